import { Socket } from 'node:net';
import type { ByteOutput } from './output.ts';

/** A socket or pipe written to through the event loop. It does not keep the process alive. */
export class SocketOutput implements ByteOutput {
  broken = false;
  #stopped = false;
  readonly #socket: KeptSocket;

  /** @throws when `fd` is neither a socket nor a pipe. */
  constructor(fd: number) {
    this.#socket = new KeptSocket({ fd, readable: false, writable: true });
    this.#socket.on('error', () => {
      // Whatever the errno, the stream is done for.
      this.broken = true;
    });
    this.#socket.unref();
  }

  write(bytes: Buffer, done: (whole: boolean) => void): void {
    this.#socket.write(bytes, (error) => {
      if (error) this.broken = true;
      if (!this.#stopped) done(!error);
    });
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** Leaves its descriptor open: the next file opened would become 1, and stray output would land in it. */
class KeptSocket extends Socket {
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    callback(error);
  }
}
