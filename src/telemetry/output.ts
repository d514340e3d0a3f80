import * as fs from 'node:fs';
import { isatty } from 'node:tty';

/** Nobody will ever read there again. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EBADF', 'ENXIO', 'ECONNRESET', 'ENOTCONN', 'EINVAL']);

const RETRY_MS_MIN = 2;
const RETRY_MS_MAX = 100;

/**
 * A file descriptor that is written to without ever holding the event loop, one write at a time.
 *
 * A pipe or a terminal is opened a second time, non-blocking. Writing to the inherited descriptor would park a thread of
 * libuv's pool in write(2) for as long as nobody reads, and process.exit() would wait for it for ever; setting
 * O_NONBLOCK on it would change it for every process that shares it. A file must not be opened again: it would be
 * overwritten from its start.
 *
 * Threads: main only.
 */
export class ByteOutput {
  /** True once nobody reads any more: nothing is written from then on. */
  broken = false;
  readonly #fd: number;
  readonly #own: boolean;
  #stopped = false;
  #retryMs = RETRY_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  /** A line was cut in the middle by an error: the next write begins on a line of its own. */
  #torn = false;

  constructor(fd: number) {
    const again = openedAgain(fd);
    this.#fd = again ?? fd;
    this.#own = again !== null;
  }

  /**
   * Writes all of `bytes`, however many calls that takes. Not to be called again before `done`.
   *
   * @param done  Told whether all was written. After `stop` it is not called.
   */
  write(bytes: Buffer, done: (whole: boolean) => void): void {
    const text = this.#torn ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes;
    this.#torn = false;
    this.#put(text, 0, done);
  }

  /** Gives up a write that waits for a reader. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Releases what was opened; the descriptor given to the constructor stays open. */
  close(): void {
    this.stop();
    // Failing to close what is never used again changes nothing, but must not end the process.
    if (this.#own) fs.close(this.#fd, () => undefined);
  }

  #put(bytes: Buffer, from: number, done: (whole: boolean) => void): void {
    if (this.broken) {
      done(false);
      return;
    }
    fs.write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (this.#stopped) return;
      if (error === null) {
        this.#retryMs = RETRY_MS_MIN;
        if (from + written < bytes.length) this.#put(bytes, from + written, done);
        else done(true);
        return;
      }
      if (error.code === 'EAGAIN' || error.code === 'EINTR') {
        this.#timer = setTimeout(() => this.#put(bytes, from, done), this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
        return;
      }
      // A full disk may have room again: these lines are lost, the next ones are tried.
      this.broken = GONE.has(error.code ?? '');
      this.#torn = from > 0;
      done(false);
    });
  }
}

function openedAgain(fd: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    if (!fs.fstatSync(fd).isFIFO() && !isatty(fd)) return null;
    return fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY);
  } catch {
    // No /proc, or a terminal of another user: the descriptor as it is will do.
    return null;
  }
}
