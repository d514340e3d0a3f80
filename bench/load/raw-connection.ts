import { connect, type Socket } from 'node:net';
import type { LoadRequest } from '../requests.ts';
import { AnswerReader } from './answer-reader.ts';

/** A request as it goes over the wire. @param port  Named in Host where the request names none. */
export function wireOf({ method, path, headers, body }: LoadRequest, port: number): Buffer {
  const fields = {
    Host: `127.0.0.1:${port}`,
    ...headers,
    Connection: 'keep-alive',
    ...(body === undefined ? {} : { 'Content-Length': String(body.length) }),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body ?? Buffer.alloc(0)]);
}

/** A keep-alive connection with one request under way at most: what an answer costs here is a search for its end. */
export class RawConnection {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #isOpen = true;

  /**
   * @param answered  Called with the status of each whole answer.
   * @param lost      Called once when the connection ends without `destroy`.
   */
  constructor(port: number, answered: (status: number) => void, lost: () => void) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (piece: Buffer) => {
      const status = this.#reader.push(piece);
      if (status !== 0) answered(status);
    });
    // `close` follows, and says it to whom it concerns.
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      lost();
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  /** With a reset, which leaves no port waiting behind. */
  destroy(): void {
    this.#isOpen = false;
    this.#socket.resetAndDestroy();
  }
}
