import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { constants, type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SallyportError } from '../errors.ts';

/** Lines written at once. */
const LINES_PER_WRITE = 1_000;
/** Keys and names of strangers: for nobody else to read. */
const FILE_MODE = 0o600;
/** A file beside ours that nobody wrote to for so long is left from a process that was killed. */
const LEFTOVER_MS = 60_000;

/** What is kept in a file, and which settings name it. */
export interface RecordFileOptions<R> {
  /** Relative to the working directory. */
  readonly path: string;
  /** What the records are, in the plural: `bans`. Stands in the first line; nothing else is taken for such a file. */
  readonly things: string;
  /** The setting that names the file, and the one that bounds its records. */
  readonly setting: string;
  readonly boundedBy: string;
  readonly recordsMax: number;
  /** Longest line, characters. */
  readonly lengthMax: number;
  /** A damaged file: move it aside and use what is sound, or stop the boot. */
  readonly whenDamaged: 'keep-aside' | 'refuse';
  /** @returns  Null for what this program would not have written. */
  readonly parse: (line: string, nowMs: number) => R | null;
}

export interface LoadedRecords<R> {
  readonly records: readonly R[];
  /** What was wrong with the file, and where it is kept now; null for a sound one. */
  readonly damage: { readonly found: string; readonly keptAs: string } | null;
}

/**
 * The file that records are kept in over a restart: a header line, a line of JSON for each, a line that counts them.
 *
 * It is written anew each time, beside its place, and moved there when it is on disk: whatever happens to the process
 * or the machine, one whole file is there, the new one or the one of before. One process writes it.
 *
 * Threads: main.
 */
export class RecordFile<R> {
  readonly path: string;
  readonly #o: RecordFileOptions<R>;
  /** The start of the first line, whatever its version. */
  readonly #mark: string;
  readonly #header: string;
  readonly #temporary: string;

  constructor(options: RecordFileOptions<R>) {
    this.path = resolve(options.path);
    this.#o = options;
    this.#mark = `{"sallyport":${JSON.stringify(options.things)}`;
    this.#header = `${this.#mark},"version":1}`;
    // Not by the process's number: in two containers that is often the same.
    this.#temporary = `${this.path}.${randomBytes(8).toString('hex')}.tmp`;
  }

  /**
   * Reads what there is. A file that is damaged is moved aside and its sound lines are used, or it stops the boot. A
   * file that is not ours is left alone, and stops the boot: whoever named it meant another one.
   *
   * @throws  SP_CONFIG  A file of something else, of a newer version, or that cannot be read; a damaged one where that
   *                     is refused; with the remedy.
   */
  async load(nowMs: number): Promise<LoadedRecords<R>> {
    this.#removeLeftovers(nowMs);
    const lines = await this.#readLines();
    if (lines === null) return { records: [], damage: null };
    const [header, ...rest] = lines;
    this.#checkHeader(header ?? '');
    const found = damageOf(rest);
    const sound = rest.map((line) => this.#parse(line, nowMs)).filter((record) => record !== null);
    const lost = Math.max(0, rest.length - 1 - sound.length);
    if (found === null && lost === 0) return { records: sound, damage: null };
    const damage = found ?? `${lost} lines are no ${this.#o.things}`;
    if (this.#o.whenDamaged === 'refuse') {
      throw this.refused(`is damaged (${damage}): put a sound copy in its place, or move it away and do without`);
    }
    const keptAs = `${this.path}.bad`;
    try {
      await rename(this.path, keptAs);
    } catch (error) {
      throw this.refused(
        `is damaged and cannot be moved to ${keptAs} (${(error as Error).message}): move it away`,
        error,
      );
    }
    return { records: sound, damage: { found: damage, keptAs } };
  }

  /** Writes all records, a line each. @throws  The system's error. */
  async write(lines: readonly string[]): Promise<void> {
    await removeIfThere(this.#temporary);
    try {
      await this.#writeTemporary(lines);
      await rename(this.#temporary, this.path);
    } catch (error) {
      // A part of a file would keep a full disk full. The first error is the one to tell; the next writing removes it.
      await unlink(this.#temporary).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(this.path));
  }

  async #writeTemporary(lines: readonly string[]): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await open(this.#temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
    try {
      await handle.writeFile(`${this.#header}\n`);
      for (let at = 0; at < lines.length; at += LINES_PER_WRITE) {
        await handle.writeFile(`${lines.slice(at, at + LINES_PER_WRITE).join('\n')}\n`);
      }
      await handle.writeFile(`${endLine(lines.length)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** @returns  Null where there is no file, or an empty one. */
  async #readLines(): Promise<string[] | null> {
    let handle: FileHandle;
    try {
      handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw this.refused(`cannot be read (${(error as Error).message}): let the gateway read and write it`, error);
    }
    try {
      const { size, isFile } = await handle.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
      if (!isFile) throw this.refused('is no regular file: name a file that the gateway may replace');
      if (size === 0) return null;
      const { recordsMax, lengthMax, boundedBy, things } = this.#o;
      if (size > (recordsMax + 2) * lengthMax) {
        throw this.refused(
          `has ${size} bytes, more than ${boundedBy} ${things} can fill: raise that, or name another file`,
        );
      }
      // Before the rest: a file of something else may be anything.
      const start = Buffer.alloc(this.#mark.length);
      const { bytesRead } = await handle.read(start, 0, start.length, 0);
      this.#checkHeader(start.toString('latin1', 0, bytesRead));
      const lines: string[] = [];
      for await (const line of handle.readLines({ start: 0, autoClose: false })) lines.push(line);
      return lines;
    } finally {
      await handle.close();
    }
  }

  #checkHeader(header: string): void {
    if (header === this.#header || header === this.#mark) return;
    const isNewer = header.startsWith(this.#mark);
    const found = isNewer ? 'was written by another version of the gateway' : `is not a file of ${this.#o.things}`;
    throw this.refused(`${found}: name another file, or move this one away`);
  }

  /** @param words  What is wrong with the file, and what to do. */
  refused(words: string, cause?: unknown): SallyportError {
    const message = `${this.#o.setting} ${this.path} ${words}`;
    return new SallyportError('SP_CONFIG', message, { file: this.path }, { cause });
  }

  #parse(line: string, nowMs: number): R | null {
    return line.length > this.#o.lengthMax ? null : this.#o.parse(line, nowMs);
  }

  /** Of processes that were killed while they wrote. */
  #removeLeftovers(nowMs: number): void {
    const folder = dirname(this.path);
    const start = `${basename(this.path)}.`;
    for (const name of this.#namesIn(folder)) {
      if (!name.startsWith(start) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length))) continue;
      const path = join(folder, name);
      try {
        if (nowMs - lstatSync(path).mtimeMs > LEFTOVER_MS) rmSync(path);
      } catch {
        // Somebody else's, or gone meanwhile: it does no harm where it is.
      }
    }
  }

  #namesIn(folder: string): readonly string[] {
    try {
      return readdirSync(folder);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const words =
        code === 'ENOENT' || code === 'ENOTDIR'
          ? 'lies in a folder that is not there: make it, and let the gateway write to it'
          : `lies in a folder that cannot be read (${message}): let the gateway read and write it`;
      throw this.refused(words, error);
    }
  }
}

/** No room, and not a wrong setting: what fails now may work later. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function endLine(count: number): string {
  return JSON.stringify({ end: count });
}

function damageOf(rest: readonly string[]): string | null {
  const last = rest.at(-1);
  if (last === endLine(rest.length - 1)) return null;
  return last?.startsWith('{"end":') === true
    ? `${rest.length - 1} lines, but the last one counts others: ${last.slice(0, 40)}`
    : 'the last line is missing';
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Else the new name may be lost with the machine, though the file is on disk. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
