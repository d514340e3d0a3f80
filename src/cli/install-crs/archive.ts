import { gunzipSync } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { quote } from '../../config/words.ts';
import { SallyportError } from '../../errors.ts';
import { CRS_FILES_MAX, CRS_UNPACKED_BYTES_MAX } from '../../limits.ts';
import { refusal } from './refusal.ts';
import type { ReleaseFile } from './release.ts';

/** First bytes of a gzip stream: the reader of archives would inflate it once more, past the bound. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Unpacks a .tar.gz in memory. Nothing is written here, so that nothing in it can reach beyond its folder.
 *
 * @param bytes  The whole archive.
 * @returns  Its files, in order; folders are left out.
 * @throws  SallyportError SP_RULE_SET_INSTALL for an archive that is damaged, too large, holds anything but files and
 *          folders, or names a path that leaves its folder or comes twice.
 */
export function filesOfArchive(bytes: Buffer): readonly ReleaseFile[] {
  const files: ReleaseFile[] = [];
  const seen = new Set<string>();
  let count = 0;
  let failure: unknown = null;
  let isEnded = false;
  const fail = (error: unknown): void => {
    failure ??= error;
  };
  const parser = new Parser({ strict: true, brotli: false, zstd: false });
  const take = (entry: ReadEntry): void => {
    const pieces: Buffer[] = [];
    entry.on('data', (piece) => pieces.push(piece));
    entry.on('end', () => {
      if (entry.type !== 'Directory') files.push({ path: relative(entry.path), bytes: Buffer.concat(pieces) });
    });
    count += 1;
    const reason = count > CRS_FILES_MAX ? `more than ${CRS_FILES_MAX} entries` : whyNot(entry, seen);
    if (reason !== null) fail(refusal(`the archive has ${reason}; nothing of it was used`));
  };
  parser.on('error', fail);
  parser.on('entry', take);
  parser.on('ignoredEntry', take);
  parser.on('end', () => {
    isEnded = true;
  });
  // All of it is read in this one call: every entry is taken as it comes.
  parser.end(inflated(bytes));
  if (!isEnded) fail(new Error('it has no end'));
  if (failure instanceof SallyportError) throw failure;
  if (failure !== null) throw damaged(failure);
  return files;
}

function inflated(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 2).equals(GZIP)) throw refusal('this is no .tar.gz: it does not begin as gzip does');
  const tar = gunzip(bytes);
  if (tar.subarray(0, 2).equals(GZIP)) throw refusal('the archive is packed twice; unpack it once');
  return tar;
}

function gunzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: CRS_UNPACKED_BYTES_MAX });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code !== 'ERR_BUFFER_TOO_LARGE') throw damaged(error);
    throw refusal(`the archive has more than ${CRS_UNPACKED_BYTES_MAX} bytes unpacked`);
  }
}

function damaged(error: unknown): SallyportError {
  return refusal('the archive is damaged: take a whole one', error);
}

/** What speaks against an entry; null for nothing. */
function whyNot({ type, path, meta }: ReadEntry, seen: Set<string>): string | null {
  const shown = quote(path);
  if (meta) return `a header that is too long, at ${shown}`;
  if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') return `${shown}, which is a ${type}, no file`;
  const own = relative(path);
  // A folder may come without its entry, or with two: that changes nothing.
  const isTop = type === 'Directory' && own === '' && !path.startsWith('/');
  const leaves = own.split('/').some((part) => ['', '.', '..'].includes(part) || isOdd(part));
  if (leaves && !isTop) return `the path ${shown}, which may leave its folder`;
  if (type !== 'Directory' && seen.has(own)) return `${shown} twice`;
  if (type !== 'Directory') seen.add(own);
  return null;
}

/** Separators of other systems, and what a terminal obeys. */
function isOdd(part: string): boolean {
  return [...part].some((character) => character === '\\' || character < ' ' || character === '\x7f');
}

/** `./rules/` -> `rules`. */
function relative(path: string): string {
  return path
    .replace(/^(?:\.\/)+/, '')
    .replace(/^\.$/, '')
    .replace(/\/$/, '');
}
