import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { quote } from '../../config/words.ts';
import { CRS_ARCHIVE_BYTES_MAX } from '../../limits.ts';
import { filesOfArchive } from './archive.ts';
import { compileRuleSet } from './compile.ts';
import { type DownloadOptions, download } from './download.ts';
import { filesOfFolder } from './folder.ts';
import { type Placed, placeRelease } from './place.ts';
import { withoutSecrets } from './proxy.ts';
import { refusal } from './refusal.ts';
import { type Release, type ReleaseFile, releaseOf } from './release.ts';

export interface InstallOptions extends DownloadOptions {
  /** `4.29.0`; what is installed must say so itself. */
  readonly version?: string | undefined;
  /** Of the archive, 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  /** URL, .tar.gz or folder; undefined for the project's release of `version`. */
  readonly from?: string | undefined;
  readonly into: string;
  readonly replace: boolean;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  readonly nowMs: number;
}

/**
 * Installs a Core Rule Set: fetches or reads it, holds it to its checksum, unpacks it, compiles it, and moves it into
 * its place. What fails leaves everything as it was.
 *
 * @param out  Takes the text to print, line ends included.
 * @throws  SallyportError SP_RULE_SET_INSTALL with what was found and what to do.
 */
export async function installCrs(options: InstallOptions, out: (text: string) => void): Promise<void> {
  const into = resolve(options.cwd, options.into);
  const { files, source } = await taken(options);
  const release = releaseOf(files, options.version);
  const check = (folder: string): void => compileRuleSet(folder, into);
  const placed = placeRelease(release, { into, replace: options.replace, check, nowMs: options.nowMs });
  out(described(release, placed, source, into));
}

/** Where releases are. The minimal archive has rules and set-up, and no tests. */
export function releaseUrl(version: string): string {
  const base = 'https://github.com/coreruleset/coreruleset/releases/download';
  return `${base}/v${version}/coreruleset-${version}-minimal.tar.gz`;
}

interface Taken {
  readonly files: readonly ReleaseFile[];
  readonly source: string;
}

async function taken(options: InstallOptions): Promise<Taken> {
  const { version, sha256, from, cwd } = options;
  const isUrl = from === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(from);
  if (isUrl) {
    if (from === undefined && version === undefined) throw refusal('name a --version, or where it is with --from');
    if (sha256 === undefined) {
      throw refusal('nothing is fetched without --sha256: docs/waf.md says where to get the checksum from');
    }
    const url = from ?? releaseUrl(version ?? '');
    const bytes = await download(url, options);
    return { files: filesOfArchive(held(bytes, sha256)), source: `${shown(url)}, sha256 ${sha256.toLowerCase()}` };
  }
  const path = resolve(cwd, from);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) {
    if (sha256 !== undefined) throw refusal(`${path} is a folder, which has no checksum: leave --sha256 out`);
    return { files: filesOfFolder(path), source: path };
  }
  if (found?.isFile() !== true) throw refusal(`${quote(path, 200)} is neither a file nor a folder`);
  if (found.size > CRS_ARCHIVE_BYTES_MAX) throw refusal(`${path} has more than ${CRS_ARCHIVE_BYTES_MAX} bytes`);
  const bytes = readFileSync(path);
  const sum = createHash('sha256').update(bytes).digest('hex');
  return {
    files: filesOfArchive(sha256 === undefined ? bytes : held(bytes, sha256)),
    source: `${path}, sha256 ${sum}`,
  };
}

/** @throws  SallyportError SP_RULE_SET_INSTALL for bytes with another checksum. */
function held(bytes: Buffer, sha256: string): Buffer {
  const [sum, wanted] = [checksumOf(bytes), sha256.toLowerCase()];
  if (sum === wanted) return bytes;
  throw refusal(`the checksum is another one: sha256 ${sum}, not ${wanted}; nothing of it was used`);
}

function checksumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function shown(url: string): string {
  return withoutSecrets(url).replace(/[?#].*$/, '');
}

function described({ version, files }: Release, placed: Placed, source: string, into: string): string {
  const what = version === null ? 'a rule set' : `OWASP_CRS/${version}`;
  const { kind, kept, left, formerFolder } = placed;
  const lines =
    kind === 'same'
      ? [`${what} is in ${into} already: nothing was changed`]
      : [`${what} from ${source}`, `${files.size} files are in ${into}; its rules compile`];
  if (kept.length > 0) lines.push(`kept of the former folder: ${kept.join(', ')}`);
  if (left.length > 0) lines.push(`in the former folder only: ${left.join(', ')}`);
  if (formerFolder !== null) lines.push(`the former folder is ${formerFolder}`);
  return [...lines, '', `waf: { crs: ${JSON.stringify(into)} }`, ''].join('\n');
}
