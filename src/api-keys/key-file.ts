import { hash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { SallyportError } from '../errors.ts';
import { type KeyRecord, recordOf } from './record.ts';

/** How every file begins; nothing else is taken for one. */
const MARK = '{"sallyport":"api-keys",';
const VERSION = 1;
/** Records of one line: written, and lost, as one. */
export const RECORDS_PER_LINE = 500;
const FILE_BYTES_MAX = 2_000_000_000;
const CHECK_DIGITS = 16;
const LF = 0x0a;

export interface LoadedKeys {
  readonly records: readonly KeyRecord[];
  /** Bytes of a line at the end that was never finished: of a change that nobody was told of. */
  readonly torn: number;
}

/**
 * First line of a file.
 *
 * @param secret  From `secretCheck`.
 * @param lines   Lines of records that are written with it; more may follow.
 */
export function headerOf(secret: string, lines: number): Buffer {
  const check = headerCheck(secret, lines);
  return Buffer.from(`${JSON.stringify({ sallyport: 'api-keys', version: VERSION, secret, lines, check })}\n`);
}

/** A line of records: a piece of its SHA-256, its length, a JSON list. @param texts  From `formatRecord`. */
export function lineOf(texts: readonly string[]): Buffer {
  const body = Buffer.from(`[${texts.join(',')}]`);
  return Buffer.concat([Buffer.from(`${checkOf(body)} ${body.length} `), body, Buffer.from('\n')]);
}

/**
 * Reads a file of API keys.
 *
 * A line without its end can only be the last one: nothing is written behind it before it is on disk. Any other damage
 * was done by somebody else, and may have taken a revocation away: it is refused.
 *
 * @param secret  From `secretCheck`.
 * @returns  No records where there is no file, or an empty one.
 * @throws  SP_CONFIG  A damaged file, one of something else, of another secret, or that cannot be read; with a remedy.
 */
export async function readKeys(path: string, secret: string): Promise<LoadedKeys> {
  const bytes = await readBytes(path);
  if (bytes === null) return { records: [], torn: 0 };
  let start = bytes.indexOf(LF) + 1;
  // Written as a whole: a header without its end is no accident of ours.
  if (start === 0) throw fileRefused(path, 'is cut off in its first line: put back a copy of it, or move it away');
  const lines = linesSaid(path, bytes.toString('utf8', 0, start - 1), secret);
  const records = new Map<string, KeyRecord>();
  let number = 1;
  for (let end = bytes.indexOf(LF, start); end !== -1; end = bytes.indexOf(LF, start)) {
    number += 1;
    for (const record of recordsOf(path, bytes.subarray(start, end), number)) records.set(record.id, record);
    start = end + 1;
  }
  if (number - 1 < lines) {
    const words = `has ${number - 1} of the ${lines} lines it had: put back a copy of it, or move it away`;
    throw fileRefused(path, words);
  }
  return { records: [...records.values()], torn: bytes.length - start };
}

/** @param words  What is wrong with the file, and what to do. */
export function fileRefused(path: string, words: string, cause?: unknown): SallyportError {
  return new SallyportError('SP_CONFIG', `apiKeys.file ${path} ${words}`, { file: path }, { cause });
}

/** @returns  Null where there is no file, or an empty one. */
async function readBytes(path: string): Promise<Buffer | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const { message } = error as Error;
    throw fileRefused(path, `cannot be read (${message}): let the gateway read and write it`, error);
  }
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw fileRefused(path, 'is no regular file: name a file that the gateway may replace');
    if (info.size === 0) return null;
    // Before the rest: a file of something else may be anything.
    const start = Buffer.alloc(MARK.length);
    await handle.read(start, 0, start.length, 0);
    if (start.toString('latin1') !== MARK) {
      throw fileRefused(path, 'is not a file of API keys: name another file, or move this one away');
    }
    if (info.size > FILE_BYTES_MAX) {
      throw fileRefused(path, `has more than ${FILE_BYTES_MAX} bytes: set apiKeys.store: redis`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** @returns  Lines behind the header when the file was written anew. */
function linesSaid(path: string, header: string, secretNow: string): number {
  const { version, secret, lines, check } = (parsed(header) ?? {}) as Record<string, unknown>;
  if (version !== VERSION && Number.isSafeInteger(version)) {
    const words = 'was written by another version of the gateway: name another file, or move this one away';
    throw fileRefused(path, words);
  }
  if (version !== VERSION || check !== headerCheck(String(secret), Number(lines))) {
    throw fileRefused(path, 'has a damaged first line: put back a copy of it, or move it away');
  }
  if (secret !== secretNow) {
    const words = 'was made with another apiKeys.secret, so that no key in it would work: set that one';
    throw fileRefused(path, words);
  }
  return lines as number;
}

function recordsOf(path: string, line: Buffer, number: number): readonly KeyRecord[] {
  const [check = '', length = ''] = line.toString('latin1', 0, 40).split(' ', 2);
  const body = line.subarray(check.length + length.length + 2);
  let found = '';
  if (String(body.length) !== length) found = `it has ${body.length} bytes and says ${length.slice(0, 12)}`;
  else if (checkOf(body) !== check) found = 'its checksum is another one';
  else {
    const list = parsed(body.toString('utf8'));
    const records = Array.isArray(list) ? list.map(recordOf) : [];
    if (records.length > 0 && !records.includes(null)) return records as readonly KeyRecord[];
    found = 'it holds what is no API key';
  }
  const remedy =
    'put back a copy of the file; without one, remove the line: the changes in it are lost then, and a key that it revoked works again';
  throw fileRefused(path, `is damaged in line ${number}: ${found}; ${remedy}`);
}

function headerCheck(secret: string, lines: number): string {
  return checkOf(Buffer.from(`${VERSION} ${secret} ${lines}`));
}

function checkOf(body: Buffer): string {
  return hash('sha256', body, 'hex').slice(0, CHECK_DIGITS);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told by whoever asks, with the line it stands in.
    return null;
  }
}
