import { hash } from 'node:crypto';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { removeLeftovers, replaceFile } from '../base/new-file.ts';
import { SallyportError } from '../errors.ts';
import { FileLock } from './file-lock.ts';
import type { KeyBook } from './key-book.ts';
import { type KeyLog, type KeyStore, SAVED, type Saved } from './key-store.ts';
import { formatRecord, type KeyRecord, recordOf } from './record.ts';
import { secretCheck } from './secret-check.ts';

/** How every file begins; nothing else is taken for one. */
const MARK = '{"sallyport":"api-keys",';
const VERSION = 1;
/** Records of one line: written, and lost, as one. */
const RECORDS_PER_LINE = 500;
/** The file is written anew when it has grown by as much again, and by this. */
const GROWTH_BYTES_MIN = 1_048_576;
const FILE_BYTES_MAX = 2_000_000_000;
const CHECK_DIGITS = 16;
const LF = 0x0a;

interface Order {
  readonly record: KeyRecord;
  readonly done: (saved: Saved) => void;
}

/**
 * API keys in a file of this gateway: a header, then lines of records, each with its length and a piece of its SHA-256.
 * A later record of a key takes the place of an earlier one.
 *
 * A change is one line, appended and forced to disk before anybody hears that it holds: `kill -9` and a power cut leave
 * at most a piece of a line behind, of a change that nobody was told of, and that is dropped. Changes that come together
 * share a line. What grows too long is written anew, beside its place, and moved there. Appending costs the same for
 * one key and for a million; writing 100,000 keys anew takes 0.3 s (docs/api-keys.md).
 *
 * One process at a time: see `FileLock`; and nothing is appended to a file that somebody else changed.
 *
 * Threads: main.
 */
export class FileStore implements KeyStore {
  readonly path: string;
  readonly heard = 0;
  readonly #book: KeyBook;
  readonly #check: string;
  readonly #log: () => KeyLog;
  #lock: FileLock | null = null;
  #file: FileHandle | null = null;
  #bytes = 0;
  /** After it was written anew. */
  #bytesAtFirst = 0;
  #inode = 0;
  /** What lies behind the last whole line is not known: the file must be written anew before it is appended to. */
  #isTorn = false;
  #isUp = false;
  readonly #orders: Order[] = [];
  #work: Promise<void> | null = null;
  #isStopped = false;

  constructor(path: string, secret: string, book: KeyBook, log: () => KeyLog) {
    this.path = resolve(path);
    this.#check = secretCheck(secret);
    this.#book = book;
    this.#log = log;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  async start(): Promise<void> {
    await this.#takeLock();
    const { records, torn } = await this.#load();
    this.#book.apply(records);
    try {
      await this.#writeAnew([]);
    } catch (error) {
      throw this.#refused(`cannot be written (${wordsOf(error)}): let the gateway write to it and its folder`, error);
    }
    if (torn > 0) {
      const facts = { file: this.path, bytes: torn };
      this.#log().warn(facts, 'the end of the file of API keys was cut off amidst a change that nobody was told of');
    }
    this.#isUp = true;
    this.#book.loaded();
    this.#log().info({ file: this.path, keys: this.#book.size }, 'API keys read');
  }

  save(record: KeyRecord): Promise<Saved> {
    if (this.#isStopped) return Promise.resolve({ kind: 'failed', words: 'the gateway is stopping' });
    return new Promise((done) => {
      this.#orders.push({ record, done });
      this.#work ??= this.#workOff();
    });
  }

  /** What is left out of the book is left out of the next file. */
  async forget(records: readonly KeyRecord[]): Promise<void> {
    this.#book.apply(
      [],
      records.map(({ id }) => id),
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
    await this.#file?.close();
    this.#file = null;
    await this.#lock?.release();
    this.#lock = null;
  }

  /** Never rejects. */
  async #workOff(): Promise<void> {
    // What comes in the same turn goes together.
    await Promise.resolve();
    while (this.#orders.length > 0) {
      const orders = this.#orders.splice(0, RECORDS_PER_LINE);
      const records = orders.map(({ record }) => record);
      const failure = await this.#keep(records);
      if (failure === null) this.#book.apply(records);
      for (const { done } of orders) done(failure === null ? SAVED : { kind: 'failed', words: failure });
      if (this.#bytes > 2 * this.#bytesAtFirst + GROWTH_BYTES_MIN) await this.#shorten();
    }
    this.#work = null;
  }

  /** @returns  Why not; null when the records are on disk. */
  async #keep(records: readonly KeyRecord[]): Promise<string | null> {
    try {
      if (this.#file === null) throw new Error('it is not open');
      await this.#checkOurs();
      if (this.#isTorn) await this.#writeAnew(records);
      else await this.#append(this.#file, lineOf(records.map(formatRecord)));
      if (!this.#isUp) this.#log().info({ file: this.path }, 'API keys can be changed again');
      this.#isUp = true;
      return null;
    } catch (error) {
      const words = `the file of API keys ${this.path} cannot be written: ${wordsOf(error)}`;
      if (this.#isUp) this.#log().error({ err: error, file: this.path }, 'API keys cannot be changed');
      this.#isUp = false;
      return words;
    }
  }

  async #append(file: FileHandle, line: Buffer): Promise<void> {
    this.#isTorn = true;
    await writeAll(file, line);
    await file.datasync();
    this.#isTorn = false;
    this.#bytes += line.length;
  }

  /** Never rejects: a long file is no fault. */
  async #shorten(): Promise<void> {
    try {
      await this.#writeAnew([]);
    } catch (error) {
      // Not before it has grown as much again.
      this.#bytesAtFirst = this.#bytes;
      this.#log().warn({ err: error, file: this.path }, 'the file of API keys cannot be shortened');
    }
  }

  /** @param records  Beside those of the book, and instead of them. */
  async #writeAnew(records: readonly KeyRecord[]): Promise<void> {
    const lines = new Map(this.#book.ids().map((id) => [id, this.#book.lineOf(id) as string]));
    for (const record of records) lines.set(record.id, formatRecord(record));
    const texts = [...lines.values()];
    const count = Math.ceil(texts.length / RECORDS_PER_LINE);
    const head = { sallyport: 'api-keys', version: VERSION, secret: this.#check, lines: count };
    let bytes = 0;
    const file = await replaceFile(this.path, async (to) => {
      const header = Buffer.from(`${JSON.stringify(head)}\n`);
      await writeAll(to, header);
      bytes = header.length;
      for (let at = 0; at < texts.length; at += RECORDS_PER_LINE) {
        const line = lineOf(texts.slice(at, at + RECORDS_PER_LINE));
        await writeAll(to, line);
        bytes += line.length;
      }
    });
    const before = this.#file;
    this.#file = file;
    this.#inode = (await file.stat()).ino;
    this.#bytes = bytes;
    this.#bytesAtFirst = bytes;
    this.#isTorn = false;
    await before?.close();
  }

  /** Else a change might go into a file that is no more, or between those of somebody else. */
  async #checkOurs(): Promise<void> {
    const { ino, size } = await stat(this.path);
    if (ino === this.#inode && (size === this.#bytes || this.#isTorn)) return;
    throw new Error('somebody else changed or replaced it; restart the gateway to read it anew');
  }

  async #takeLock(): Promise<void> {
    const path = `${this.path}.lock`;
    try {
      removeLeftovers(this.path, Date.now());
      this.#lock = await FileLock.take(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isAbsent = code === 'ENOENT' || code === 'ENOTDIR';
      const words = isAbsent
        ? 'lies in a folder that is not there: make it, and let the gateway write to it'
        : `cannot be locked by ${path} (${wordsOf(error)}): let the gateway make sockets in ${dirname(path)}`;
      throw this.#refused(words, error);
    }
    if (this.#lock !== null) return;
    throw this.#refused(
      `is in use by another process, which answers on ${path}: stop that one, give each its own file, or set apiKeys.store: redis to share keys`,
    );
  }

  async #load(): Promise<{ readonly records: readonly KeyRecord[]; readonly torn: number }> {
    const bytes = await this.#read();
    if (bytes === null) return { records: [], torn: 0 };
    let start = bytes.indexOf(LF) + 1;
    // Written as a whole: a header without its end is no accident of ours.
    if (start === 0) throw this.#refused('is cut off in its first line: put back a copy of it, or move it away');
    const lines = this.#linesSaid(bytes.toString('utf8', 0, start - 1));
    const records = new Map<string, KeyRecord>();
    let number = 1;
    while (start < bytes.length) {
      const end = bytes.indexOf(LF, start);
      if (end === -1) break;
      number += 1;
      for (const record of this.#recordsOf(bytes.subarray(start, end), number)) records.set(record.id, record);
      start = end + 1;
    }
    if (number - 1 < lines) {
      throw this.#refused(`has ${number - 1} of the ${lines} lines it had: put back a copy of it, or move it away`);
    }
    return { records: [...records.values()], torn: bytes.length - start };
  }

  /** @returns  Null where there is no file, or an empty one. */
  async #read(): Promise<Buffer | null> {
    let handle: FileHandle;
    try {
      handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw this.#refused(`cannot be read (${wordsOf(error)}): let the gateway read and write it`, error);
    }
    try {
      const info = await handle.stat();
      if (!info.isFile()) throw this.#refused('is no regular file: name a file that the gateway may replace');
      if (info.size === 0) return null;
      const start = Buffer.alloc(MARK.length);
      await handle.read(start, 0, start.length, 0);
      if (start.toString('latin1') !== MARK) {
        throw this.#refused('is not a file of API keys: name another file, or move this one away');
      }
      if (info.size > FILE_BYTES_MAX)
        throw this.#refused(`has more than ${FILE_BYTES_MAX} bytes: set apiKeys.store: redis`);
      const bytes = Buffer.allocUnsafe(info.size);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    } finally {
      await handle.close();
    }
  }

  /** @returns  Lines behind the header when the file was written anew. */
  #linesSaid(header: string): number {
    const { version, secret, lines } = objectOf(header);
    if (version !== VERSION) {
      throw this.#refused('was written by another version of the gateway: name another file, or move this one away');
    }
    if (!Number.isSafeInteger(lines) || (lines as number) < 0 || typeof secret !== 'string') {
      throw this.#refused('has a damaged first line: put back a copy of it, or move it away');
    }
    if (secret !== this.#check) {
      throw this.#refused('was made with another apiKeys.secret, so that no key in it would work: set that one');
    }
    return lines as number;
  }

  #recordsOf(line: Buffer, number: number): readonly KeyRecord[] {
    const damaged = (found: string): SallyportError =>
      this.#refused(
        `is damaged in line ${number}: ${found}. Put back a copy of the file. Without one, remove the line: changes in it are lost then, and keys revoked by it work again`,
      );
    const [check = '', length = ''] = line.toString('latin1', 0, 40).split(' ', 2);
    const body = line.subarray(check.length + length.length + 2);
    if (String(body.length) !== length) throw damaged(`${body.length} bytes instead of ${length.slice(0, 12)}`);
    if (checkOf(body) !== check) throw damaged('its checksum is another one');
    const records = (arrayOf(body.toString('utf8')) ?? []).map(recordOf);
    if (records.length === 0 || records.includes(null)) throw damaged('it holds what is no API key');
    return records as readonly KeyRecord[];
  }

  #refused(words: string, cause?: unknown): SallyportError {
    return new SallyportError('SP_CONFIG', `apiKeys.file ${this.path} ${words}`, { file: this.path }, { cause });
  }
}

/** @param texts  From `formatRecord`. */
function lineOf(texts: readonly string[]): Buffer {
  const body = Buffer.from(`[${texts.join(',')}]`);
  return Buffer.concat([Buffer.from(`${checkOf(body)} ${body.length} `), body, Buffer.from('\n')]);
}

function checkOf(body: Buffer): string {
  return hash('sha256', body, 'hex').slice(0, CHECK_DIGITS);
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

function objectOf(text: string): Record<string, unknown> {
  const value = valueOf(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function arrayOf(text: string): readonly unknown[] | null {
  const value = valueOf(text);
  return Array.isArray(value) ? value : null;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by whoever asks, with the line it stands in.
    return undefined;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
