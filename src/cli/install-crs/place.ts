import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { plainFiles } from './folder.ts';
import { refusal } from './refusal.ts';
import { type Release, versionOf } from './release.ts';

export interface PlaceOptions {
  /** Folder of the rule set; absolute. */
  readonly into: string;
  /** Put it in the place of another rule set. */
  readonly replace: boolean;
  /** Looks at the folder before it takes its place. @throws  What speaks against it: all stays as it was. */
  readonly check: (folder: string) => void;
  readonly nowMs: number;
}

export interface Placed {
  /** `same`: all of it was there already, and nothing was done. */
  readonly kind: 'new' | 'same' | 'replaced';
  /** Where the former folder is now; null where there was none. */
  readonly formerFolder: string | null;
  /** Files of the former folder that went over: the operator's. */
  readonly kept: readonly string[];
  /** Files, and folders, of the former folder that are not in the new one. */
  readonly left: readonly string[];
}

/** What a release brings as examples only, for operators to write. */
const OPERATORS = [
  'crs-setup.conf',
  'rules/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf',
  'rules/RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf',
];
/** Longer than any installation takes. */
const LEFTOVER_MS = 3_600_000;
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/**
 * Writes a rule set beside its place, looks at it, and moves it there. Whatever goes wrong before that, the place is
 * as it was. Of a folder that is replaced the operator's files go over: its set-up, its exclusions, plugins.
 *
 * @throws  SallyportError SP_RULE_SET_INSTALL where something else is in its place, or the disk refuses.
 */
export function placeRelease({ files }: Release, options: PlaceOptions): Placed {
  const into = existsSync(options.into) ? realpathSync(options.into) : options.into;
  if (!existsSync(dirname(into))) throw refusal(`the folder ${dirname(into)} is not there; make it first`);
  removeLeftovers(into, options.nowMs);
  const former = formerFiles(into);
  const own = (former ?? []).filter((path) => OPERATORS.includes(path) || (isPlugin(path) && !files.has(path)));
  const fresh = writeBeside(
    into,
    [...files].filter(([path]) => !own.includes(path)),
  );
  try {
    for (const path of own) keep(join(into, path), join(fresh, path));
    if (former !== null && isSame(fresh, into)) return { kind: 'same', formerFolder: null, kept: [], left: [] };
    if (former !== null && !options.replace) throw refusal(`${into} holds ${nameOf(into)}; ${REMEDY}`);
    options.check(fresh);
    syncFolders(fresh);
    if (former === null) {
      // An empty folder gives way; one that was filled meanwhile does not.
      renameSync(fresh, into);
      syncFolder(dirname(into));
      return { kind: 'new', formerFolder: null, kept: [], left: [] };
    }
    const left = [...former, ...otherFolders(into)].filter((path) => !existsSync(join(fresh, path)));
    return { kind: 'replaced', formerFolder: swap(fresh, into, options.nowMs), kept: own, left };
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw refusal(`${into} cannot be put in its place`, error);
    throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

const REMEDY = '--replace puts the new one in its place and keeps that one beside it';

/** Files of the rule set that is there; null where nothing is, or an empty folder. */
function formerFiles(into: string): readonly string[] | null {
  const found = lstatSync(into, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isDirectory()) throw refusal(`${into} is not a folder; name another one in --into`);
  if (readdirSync(into).length === 0) return null;
  const paths = ['', 'rules', 'plugins'].flatMap((below) => plainFiles(into, below));
  if (paths.some((path) => /^rules\/.*\.conf$/.test(path))) return paths;
  throw refusal(`${into} holds something else than a rule set; name a folder of its own in --into`);
}

/** With a slash behind. */
function otherFolders(into: string): readonly string[] {
  return ['', 'rules/', 'plugins/']
    .filter((below) => existsSync(join(into, below)))
    .flatMap((below) =>
      readdirSync(join(into, below), { withFileTypes: true })
        .filter((one) => one.isDirectory())
        .map(({ name }) => `${below}${name}/`),
    )
    .toSorted();
}

function isPlugin(path: string): boolean {
  return path.startsWith('plugins/');
}

function nameOf(folder: string): string {
  const paths = plainFiles(folder, 'rules').filter((path) => path.endsWith('.conf'));
  const version = versionOf(paths.map((path) => readFileSync(join(folder, path))));
  return version === null ? 'another rule set' : `another rule set, or a changed one: ${version}`;
}

/** @returns  A new folder, on the same disk. */
function writeBeside(into: string, files: readonly (readonly [path: string, bytes: Buffer])[]): string {
  let folder = '';
  try {
    folder = mkdtempSync(join(dirname(into), startOf(into)));
    // Whoever runs the gateway must be able to read it, whatever the umask says.
    for (const path of ['', 'rules', 'plugins']) {
      mkdirSync(join(folder, path), { recursive: true });
      chmodSync(join(folder, path), FOLDER_MODE);
    }
    for (const [path, bytes] of files) write(join(folder, path), bytes, FILE_MODE);
    return folder;
  } catch (error) {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
    throw refusal(`${into} cannot be written`, error);
  }
}

/** Beginning of the names of folders that become `into`. */
function startOf(into: string): string {
  return `.${basename(into)}.new-`;
}

/** What is left of an installation that was killed. */
function removeLeftovers(into: string, nowMs: number): void {
  const parent = dirname(into);
  for (const name of readdirSync(parent).filter((one) => one.startsWith(startOf(into)))) {
    const age = nowMs - (lstatSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? nowMs);
    if (age > LEFTOVER_MS) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function write(path: string, bytes: Buffer, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(path, mode);
}

/** With its rights: it may hold what is not everybody's. */
function keep(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from);
  write(to, readFileSync(from), mode & 0o777);
  if (process.getuid?.() === 0) chownSync(to, uid, gid);
}

/** The same files with the same bytes, below the folders that are read. */
function isSame(one: string, other: string): boolean {
  const list = (folder: string): readonly string[] =>
    ['', 'rules', 'plugins'].flatMap((below) => plainFiles(folder, below));
  const paths = list(one);
  if (paths.join('\n') !== list(other).join('\n')) return false;
  return paths.every((path) => readFileSync(join(one, path)).equals(readFileSync(join(other, path))));
}

/** There is no way to exchange two folders in one step here: between the two moves the place is empty. */
function swap(fresh: string, into: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const beside = `${into}.until-${stamp}`;
  if (existsSync(beside)) throw refusal(`${beside} is there already; move it away`);
  renameSync(into, beside);
  try {
    renameSync(fresh, into);
  } catch (error) {
    renameSync(beside, into);
    throw error;
  }
  syncFolder(dirname(into));
  return beside;
}

function syncFolders(folder: string): void {
  for (const below of ['rules', 'plugins', '']) syncFolder(join(folder, below));
}

function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
