import { refusal } from './refusal.ts';

/** A file of a rule set, in memory: a whole release has a few megabytes. */
export interface ReleaseFile {
  /** Below the folder of the rule set, with slashes: `rules/REQUEST-901-INITIALIZATION.conf`. */
  readonly path: string;
  readonly bytes: Buffer;
}

export interface Release {
  /** What its rules say of themselves: `4.29.0`; null where they say nothing. */
  readonly version: string | null;
  /** By path, without what no gateway reads: tests, tools, documents in folders. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** At the top, and in the two folders that are read. Plain names only: no hidden file is a rule. */
const KEPT = /^(?:(?:rules|plugins)\/)?[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const VERSION = /\bver:'OWASP_CRS\/([0-9A-Za-z.-]{1,32})'/;
const SETUPS = ['crs-setup.conf', 'crs-setup.conf.example'];

/**
 * Makes a rule set of files: of an archive, whose one folder at the top is taken off, or of a folder.
 *
 * @param files   Paths that are known to stay below their folder.
 * @param wanted  Version that it must be; undefined for any.
 * @throws  SallyportError SP_RULE_SET_INSTALL for what is no rule set, or another one.
 */
export function releaseOf(files: readonly ReleaseFile[], wanted: string | undefined): Release {
  const kept = new Map<string, Buffer>();
  for (const { path, bytes } of withoutTop(files)) if (KEPT.test(path)) kept.set(path, bytes);
  const rules = [...kept].filter(([path]) => /^rules\/.*\.conf$/.test(path));
  if (rules.length === 0) throw refusal('there is no rules/*.conf in it: this is no Core Rule Set');
  if (!SETUPS.some((name) => kept.has(name))) throw refusal(`there is no ${SETUPS[1]} in it: this is no Core Rule Set`);
  const version = versionOf(rules.map(([, bytes]) => bytes));
  if (wanted !== undefined && version !== wanted) {
    const found = version === null ? 'the rules do not say their version' : `the rules are those of ${version}`;
    throw refusal(`${found}, not of ${wanted}; correct --version, or what it is taken from`);
  }
  return { version, files: kept };
}

/** What rules say of themselves, in any of them. */
export function versionOf(rules: readonly Buffer[]): string | null {
  for (const bytes of rules) {
    const found = VERSION.exec(bytes.toString('latin1'))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

function withoutTop(files: readonly ReleaseFile[]): readonly ReleaseFile[] {
  const tops = new Set(files.map(({ path }) => path.slice(0, path.indexOf('/') + 1)));
  const [top = ''] = tops;
  if (tops.size !== 1 || top === '' || top === 'rules/') return files;
  return files.map(({ path, bytes }) => ({ path: path.slice(top.length), bytes }));
}
