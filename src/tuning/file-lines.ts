import { closeSync, openSync, readSync } from 'node:fs';
import { type ByteText, byteTextOf } from '../base/byte-text.ts';
import { SallyportError } from '../errors.ts';
import { RECORD_LINE_BYTES_MAX } from '../limits.ts';

const CHUNK_BYTES = 262_144;
const LINE_FEED = 0x0a;

/** A line without its end; `text` is null for one that is too long to be read. */
export interface FileLine {
  /** From 1. */
  readonly number: number;
  readonly text: ByteText | null;
}

/**
 * Lines of a file, however long it is: no more than one of them is in memory. The last may have no end.
 *
 * @param path  `-` for standard input.
 * @throws  SallyportError SP_CONFIG where it cannot be read.
 */
export function* fileLines(path: string, lineBytesMax = RECORD_LINE_BYTES_MAX): Generator<FileLine> {
  const file = opened(path);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let number = 1;
    let pieces: Buffer[] = [];
    let length = 0;
    let isTooLong = false;
    const line = (): FileLine => {
      const text = isTooLong ? null : byteTextOf(Buffer.concat(pieces));
      pieces = [];
      length = 0;
      isTooLong = false;
      return { number: number++, text: text?.endsWith('\r') === true ? text.slice(0, -1) : text };
    };
    for (;;) {
      const count = read(file, chunk, path);
      if (count === 0) break;
      let from = 0;
      while (from < count) {
        const found = chunk.indexOf(LINE_FEED, from);
        const end = found === -1 || found >= count ? count : found;
        length += end - from;
        if (length > lineBytesMax) {
          isTooLong = true;
          pieces = [];
        } else if (end > from) {
          pieces.push(Buffer.from(chunk.subarray(from, end)));
        }
        if (end < count) yield line();
        from = end + 1;
      }
    }
    if (length > 0) yield line();
  } finally {
    if (file !== 0) closeSync(file);
  }
}

function opened(path: string): number {
  // 0 is the descriptor of standard input.
  if (path === '-') return 0;
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function read(file: number, chunk: Buffer, path: string): number {
  for (;;) {
    try {
      return readSync(file, chunk, 0, chunk.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      // A terminal or pipe that has nothing yet.
      if (code !== 'EAGAIN') throw unreadable(path, error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function unreadable(path: string, error: unknown): SallyportError {
  return new SallyportError('SP_CONFIG', `${path} cannot be read: ${(error as Error).message}`, {}, { cause: error });
}
