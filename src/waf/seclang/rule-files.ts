import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, normalize, parse, sep } from 'node:path';
import { type ByteText, byteTextOf } from '../../base/byte-text.ts';
import { RULE_FILE_BYTES_MAX } from '../../limits.ts';
import { SecLangReason } from './reason.ts';
import type { RuleFiles } from './syntax.ts';

/** A file that is not there, which an IncludeOptional allows for. */
export class RuleFileAbsent extends SecLangReason {}

/** The files of this machine. Blocks while it reads: for the start and for reloads, on the main thread. */
export function diskRuleFiles(): RuleFiles {
  return { read: readFromDisk, expand: expandOnDisk };
}

/** What was read for a rule set: plain maps, which structured clone takes to other threads. */
export interface RecordedRuleFiles {
  /** Path to contents. */
  readonly texts: ReadonlyMap<string, ByteText>;
  /** Folder, NUL, pattern to the paths found. Plain paths need no row. */
  readonly expansions: ReadonlyMap<string, readonly string[]>;
}

/** Files as another thread read them, so that all compile the same. A file that it did not find is not there. */
export function recordedRuleFiles(
  texts: ReadonlyMap<string, ByteText>,
  expansions: ReadonlyMap<string, readonly string[]> = new Map(),
): RuleFiles {
  return {
    read: (path) => {
      const text = texts.get(path);
      if (text === undefined) throw new RuleFileAbsent(`${path} is not among the files that were read`);
      return text;
    },
    expand: (pattern, folder) => expansions.get(expansionKey(pattern, folder)) ?? plainPath(pattern, folder),
  };
}

/** Hands on to other files and keeps what they gave. */
export function recordRuleFiles(files: RuleFiles): { readonly files: RuleFiles; readonly recorded: RecordedRuleFiles } {
  const texts = new Map<string, ByteText>();
  const expansions = new Map<string, readonly string[]>();
  return {
    files: {
      // A file that is read twice is the same twice, even if the disk has changed in between.
      read: (path) => {
        const text = texts.get(path) ?? files.read(path);
        texts.set(path, text);
        return text;
      },
      expand: (pattern, folder) => {
        const key = expansionKey(pattern, folder);
        const paths = expansions.get(key) ?? files.expand(pattern, folder);
        expansions.set(key, paths);
        return paths;
      },
    },
    recorded: { texts, expansions },
  };
}

function expansionKey(pattern: string, folder: string): string {
  return `${folder}\0${pattern}`;
}

function plainPath(pattern: string, folder: string): string[] {
  return /[*?]/.test(pattern) ? [] : [isAbsolute(pattern) ? pattern : join(folder, pattern)];
}

function readFromDisk(path: string): ByteText {
  try {
    const found = statSync(path);
    // A pipe or a device may have no end.
    if (!found.isFile()) throw new SecLangReason(`${path} is not a file`);
    const bytes = found.size > RULE_FILE_BYTES_MAX ? null : readFileSync(path);
    // It may have grown in between.
    if (bytes !== null && bytes.length <= RULE_FILE_BYTES_MAX) return byteTextOf(bytes);
  } catch (error) {
    if (error instanceof SecLangReason) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new RuleFileAbsent(`${path} is not there`);
    throw new SecLangReason(`${path} cannot be read: ${message}`);
  }
  throw new SecLangReason(`${path} has more than ${RULE_FILE_BYTES_MAX} bytes`);
}

function expandOnDisk(pattern: string, folder: string): readonly string[] {
  if (!/[*?]/.test(pattern)) return plainPath(pattern, folder);
  const whole = normalize(isAbsolute(pattern) ? pattern : join(folder, pattern));
  const { root } = parse(whole);
  let found = [root];
  for (const part of whole.slice(root.length).split(sep)) {
    if (!/[*?]/.test(part)) found = found.map((path) => join(path, part));
    else found = found.flatMap((path) => entriesOf(path, part));
  }
  const last = whole.slice(whole.lastIndexOf(sep) + 1);
  // Behind the last wildcard stand plain parts: those need not be there.
  const present = /[*?]/.test(last)
    ? found
    : found.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  return present.sort();
}

function entriesOf(folder: string, part: string): string[] {
  try {
    return readdirSync(folder === '' ? '.' : folder)
      .filter((name) => matchesGlob(name, part))
      .map((name) => join(folder, name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A wildcard in a part further left may find files as well as folders.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new SecLangReason(`${folder} cannot be read: ${message}`);
  }
}

/** As a shell: a dot at the beginning is found by a dot only. */
function matchesGlob(name: string, glob: string): boolean {
  if (name.startsWith('.') && !glob.startsWith('.')) return false;
  let [at, from, star, behind] = [0, 0, -1, 0];
  while (at < name.length) {
    if (from < glob.length && (glob[from] === '?' || (glob[from] !== '*' && glob[from] === name[at]))) {
      at += 1;
      from += 1;
    } else if (glob[from] === '*') {
      [star, behind] = [from, at];
      from += 1;
    } else if (star !== -1) {
      behind += 1;
      [at, from] = [behind, star + 1];
    } else {
      return false;
    }
  }
  while (glob[from] === '*') from += 1;
  return from === glob.length;
}
