import { type FileHandle, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { removeLeftovers, replaceFile } from '../base/new-file.ts';
import { FileLock } from './file-lock.ts';
import type { KeyBook } from './key-book.ts';
import { fileRefused, headerOf, lineOf, RECORDS_PER_LINE, readKeys } from './key-file.ts';
import { type KeyLog, type KeyStore, SAVED, type Saved } from './key-store.ts';
import { formatRecord, type KeyRecord } from './record.ts';
import { secretCheck } from './secret-check.ts';

/** The file is written anew when it has grown by as much again, and by this. */
const GROWTH_BYTES_MIN = 1_048_576;

interface Order {
  readonly record: KeyRecord;
  readonly done: (saved: Saved) => void;
}

/**
 * API keys in a file of this gateway: a header, then lines of records, each with its length and a piece of its SHA-256.
 * A later record of a key takes the place of an earlier one.
 *
 * A change is one line, appended and forced to disk before anybody hears that it holds: `kill -9` and a power cut
 * leave at most a piece of a line behind, of a change that nobody was told of, and that is dropped. Changes that come
 * together share a line. What grows too long is written anew, beside its place, and moved there. Appending costs the
 * same for one key and for a million; writing 100,000 keys anew takes 0.3 s (docs/api-keys.md).
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
    const { records, torn } = await readKeys(this.path, this.#check);
    this.#book.apply(records);
    try {
      await this.#writeAnew([]);
    } catch (error) {
      throw fileRefused(
        this.path,
        `cannot be written (${wordsOf(error)}): let the gateway write to it and its folder`,
        error,
      );
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
    let bytes = 0;
    const file = await replaceFile(this.path, async (to) => {
      const header = headerOf(this.#check, count);
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
      throw fileRefused(this.path, words, error);
    }
    if (this.#lock !== null) return;
    throw fileRefused(
      this.path,
      `is in use by another process, which answers on ${path}: stop that one, give each its own file, or set apiKeys.store: redis to share keys`,
    );
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
