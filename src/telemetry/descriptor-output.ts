import * as fs from 'node:fs';
import type { ByteOutput } from './output.ts';

/** Nobody will ever read there again. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EBADF', 'ENXIO', 'ECONNRESET', 'EINVAL']);

const RETRY_MS_MIN = 2;
const RETRY_MS_MAX = 100;

/** A file, or a pipe or terminal opened non-blocking: one that is full is tried again after a while. */
export class DescriptorOutput implements ByteOutput {
  broken = false;
  readonly #fd: number;
  readonly #own: boolean;
  #stopped = false;
  #retryMs = RETRY_MS_MIN;
  #timer: NodeJS.Timeout | undefined;
  /** A line was cut in the middle by an error: the next write begins on a line of its own. */
  #torn = false;

  /** @param own  Close it on `stop`. */
  constructor(fd: number, own: boolean) {
    this.#fd = fd;
    this.#own = own;
  }

  write(bytes: Buffer, done: (whole: boolean) => void): void {
    const text = this.#torn ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes;
    this.#torn = false;
    this.#put(text, 0, done);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    // Failing to close what is never used again changes nothing, but must not end the process.
    if (this.#own) fs.close(this.#fd, () => undefined);
  }

  #put(bytes: Buffer, from: number, done: (whole: boolean) => void): void {
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
