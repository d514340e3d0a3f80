// hot path: synchronous, never throws
import net from 'node:net';
import tls from 'node:tls';
import { TimerNode } from '../base/timer-wheel.ts';
import type { ErrorCode } from '../errors.ts';
import { INTERIM_RESPONSES_MAX, READ_BUFFER_BYTES, RESPONSE_HEAD_BYTES_MAX } from '../limits.ts';
import { CHUNK_DATA, CHUNK_DONE, CHUNK_ERROR, ChunkedDecoder } from './chunked-decoder.ts';
import type { ConnectionPool } from './pool.ts';
import {
  FRAMING_CHUNKED,
  FRAMING_EOF,
  FRAMING_LENGTH,
  FRAMING_NONE,
  parseResponseHead,
  ResponseHead,
} from './response-head.ts';

/** Who waits for an answer on a connection. */
export interface AnswerReader {
  /** Awaited answer goes without a body (RFC 9112 6.3): the request was HEAD. */
  readonly isHead: boolean;
  /** The connection stands: write the request. */
  onReady(connection: UpstreamConnection): void;
  /**
   * The final head is there. `whole` is the body when it came with the head, already decoded; null when it streams.
   * @returns false when nobody wants the rest: the connection is given up.
   */
  onHead(head: ResponseHead, whole: Buffer | null): boolean;
  /** A piece of a streamed body; the bytes are gone when this returns. @returns false to stop reading for now. */
  onPiece(piece: Buffer): boolean;
  /** The streamed body is complete. */
  onEnd(): void;
  /** The socket took all that was written to it. */
  onDrain(): void;
  /** The connection failed; nothing more comes. `answered` says whether a byte of an answer had arrived. */
  onFailure(code: ErrorCode, reason: string, answered: boolean): void;
  /** A bug in handling one of the above. */
  onBug(error: unknown): void;
}

const CONNECTING = 0;
const IDLE = 1;
const HEAD = 2;
const BODY = 3;
const CLOSED = 4;

/**
 * All reads of a thread land here. Safe because every byte is used or copied before the read callback returns, and
 * callbacks of one thread never overlap.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
const NO_BYTES = Buffer.alloc(0);

/**
 * One connection to a target: HTTP/1.1, one request at a time (no pipelining: a lost answer would cost its neighbours).
 *
 * The state machine is strict: bytes nobody waits for, bytes after an answer, or a malformed answer end the connection.
 *
 * Threads: one.
 */
export class UpstreamConnection extends TimerNode {
  readonly pool: ConnectionPool;
  readonly socket: net.Socket;
  /** Requests sent so far: more than one means a reused connection, which may die of old age under us. */
  requests = 0;
  reader: AnswerReader | null = null;
  /** Position in the pool's idle stack, or -1. */
  idleIndex = -1;
  readonly head = new ResponseHead();
  #state = CONNECTING;
  #chunks: ChunkedDecoder | null = null;
  #remaining = 0;
  #interim = 0;
  #answered = false;
  #surplus = false;
  #paused = false;
  #partial: Buffer | null = null;
  #partialBytes = 0;

  constructor(pool: ConnectionPool) {
    super();
    this.pool = pool;
    this.socket = this.#open();
  }

  /** The socket holds all that it should: `onDrain` will be called. */
  get isFull(): boolean {
    return this.socket.writableNeedDrain;
  }

  get writableBytes(): number {
    return this.socket.writableLength;
  }

  /** Idle for too long, or still not connected and nobody waits for it. */
  fire(): void {
    this.destroy();
  }

  /** The answer to come belongs to `reader`. The caller writes the request. */
  expect(reader: AnswerReader): void {
    this.reader = reader;
    this.requests += 1;
    this.#state = HEAD;
    this.#answered = false;
    this.#surplus = false;
    this.#interim = 0;
    this.head.reset();
  }

  /** The reader can take more. */
  resume(): void {
    if (!this.#paused || this.#state === CLOSED) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** Ends the connection at once, without a word to the reader. */
  destroy(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.reader = null;
    this.pool.gone(this);
    this.socket.destroy();
  }

  /** The exchange is over on both sides: back to the pool, or closed when the connection cannot carry another one. */
  release(requestComplete: boolean): void {
    this.reader = null;
    if (this.#state === CLOSED) return;
    // A target that answered early may never take the rest of the body: the next request must not wait behind that.
    const drained = requestComplete && this.socket.writableLength === 0;
    if (this.#state === IDLE && drained && this.head.keepAlive && !this.#surplus) {
      this.resume();
      this.pool.release(this);
    } else {
      this.destroy();
    }
  }

  #open(): net.Socket {
    const { target, tlsOptions } = this.pool;
    const onread = {
      buffer: READ_BUFFER,
      callback: (count: number): boolean => this.#read(count),
    };
    let socket: net.Socket;
    if (tlsOptions === null) {
      socket = net.connect({ host: target.hostname, port: target.port, noDelay: true, onread });
      socket.once('connect', this.#onConnect);
    } else {
      const session = this.pool.tlsSession;
      const options: tls.ConnectionOptions = { ...tlsOptions, host: target.hostname, port: target.port };
      if (session !== null) options.session = session;
      // `onread` reaches the socket (tls.connect passes it on) but is missing from the TLS typings.
      const secure = tls.connect(Object.assign(options, { onread }));
      secure.setNoDelay(true);
      secure.once('secureConnect', this.#onConnect);
      secure.on('session', (ticket) => {
        this.pool.tlsSession = ticket;
      });
      socket = secure;
    }
    socket.on('error', this.#onError);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
    return socket;
  }

  readonly #onConnect = (): void => {
    if (this.#state !== CONNECTING) return;
    this.#state = IDLE;
    const { reader } = this;
    try {
      if (reader === null) this.pool.release(this);
      else reader.onReady(this);
    } catch (error) {
      this.#bug(error);
    }
  };

  readonly #onDrain = (): void => {
    const { reader } = this;
    if (reader === null) return;
    try {
      reader.onDrain();
    } catch (error) {
      this.#bug(error);
    }
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (this.#state === CONNECTING) {
      const descriptors = error.code === 'EMFILE' || error.code === 'ENFILE';
      const handshake = this.pool.tlsOptions !== null && error.syscall !== 'connect';
      const code = descriptors ? 'SP_DESCRIPTORS' : handshake ? 'SP_UPSTREAM_TLS' : 'SP_UPSTREAM_CONNECT';
      this.#fail(code, `${error.code ?? ''} ${error.message}`.trim());
    } else {
      this.#fail('SP_UPSTREAM_RESET', error.code ?? error.message);
    }
  };

  readonly #onEnd = (): void => {
    if (this.#state === BODY && this.head.framing === FRAMING_EOF) {
      const { reader } = this;
      this.#state = IDLE;
      try {
        reader?.onEnd();
      } catch (error) {
        this.#bug(error);
      }
      return;
    }
    this.#fail('SP_UPSTREAM_RESET', 'closed by the upstream');
  };

  readonly #onClose = (): void => {
    this.#fail('SP_UPSTREAM_RESET', 'closed');
  };

  #fail(code: ErrorCode, reason: string): void {
    if (this.#state === CLOSED) return;
    const { reader } = this;
    const answered = this.#answered;
    this.destroy();
    if (reader === null) return;
    try {
      reader.onFailure(code, reason, answered);
    } catch (error) {
      reader.onBug(error);
    }
  }

  #bug(error: unknown): void {
    const { reader } = this;
    this.destroy();
    reader?.onBug(error);
  }

  /** @returns false to stop reading until `resume`. */
  #read(count: number): boolean {
    try {
      if (this.reader === null || this.#state === IDLE || this.#state === CONNECTING) {
        // Bytes that nobody asked for: whatever they are, the next request must not find them.
        if (this.reader === null) this.destroy();
        else this.#surplus = true;
      } else if (this.#state === HEAD) {
        this.#readHead(count);
      } else if (this.#state === BODY) {
        this.#readBody(READ_BUFFER, 0, count);
      }
    } catch (error) {
      this.#bug(error);
    }
    return !this.#paused;
  }

  #readHead(count: number): void {
    this.#answered = true;
    if (this.#partial === null) {
      this.#parse(READ_BUFFER, 0, count);
      return;
    }
    // The head came in pieces: go on with a copy. Its room is bounded by the largest head and one read.
    const needed = this.#partialBytes + count;
    if (needed > this.#partial.length) {
      const larger = Buffer.allocUnsafe(Math.min(needed * 2, RESPONSE_HEAD_BYTES_MAX + READ_BUFFER_BYTES));
      this.#partial.copy(larger, 0, 0, this.#partialBytes);
      this.#partial = larger;
    }
    READ_BUFFER.copy(this.#partial, this.#partialBytes, 0, count);
    this.#partialBytes = needed;
    this.#parse(this.#partial, 0, needed);
  }

  #parse(buffer: Buffer, from: number, end: number): void {
    const { head, reader } = this;
    if (reader === null) return;
    let start = from;
    for (;;) {
      const next = parseResponseHead(head, buffer, start, end, reader.isHead);
      if (next < 0) {
        const code = next === -2 ? 'SP_UPSTREAM_HEAD_TOO_LARGE' : 'SP_UPSTREAM_PROTOCOL';
        this.#fail(code, head.reason);
        return;
      }
      if (next === 0) {
        this.#keep(buffer, start, end);
        return;
      }
      start = next;
      if (head.status >= 200) break;
      // Interim answers (RFC 9110 15.2) are not passed on: the front answers 100-continue by itself.
      this.#interim += 1;
      if (head.status === 101 || this.#interim > INTERIM_RESPONSES_MAX) {
        this.#fail('SP_UPSTREAM_PROTOCOL', head.status === 101 ? 'unasked 101' : 'too many interim answers');
        return;
      }
      head.reset();
    }
    this.#partial = null;
    this.#partialBytes = 0;
    this.#beginBody(buffer, start, end);
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    if (this.#partial === buffer) {
      if (start > 0) buffer.copy(buffer, 0, start, end);
    } else {
      this.#partial = Buffer.allocUnsafe(Math.max(4_096, (end - start) * 2));
      buffer.copy(this.#partial, 0, start, end);
    }
    this.#partialBytes = end - start;
  }

  #beginBody(buffer: Buffer, start: number, end: number): void {
    const { head } = this;
    switch (head.framing) {
      case FRAMING_NONE:
        this.#surplus = start < end;
        this.#deliverWhole(NO_BYTES);
        return;
      case FRAMING_LENGTH:
        this.#remaining = head.contentLength;
        if (end - start >= head.contentLength) {
          const bodyEnd = start + head.contentLength;
          this.#surplus = bodyEnd < end;
          this.#deliverWhole(head.contentLength === 0 ? NO_BYTES : part(buffer, start, bodyEnd));
          return;
        }
        break;
      case FRAMING_CHUNKED:
        this.#chunks ??= new ChunkedDecoder();
        this.#chunks.reset();
        if (this.#wholeChunked(this.#chunks, buffer, start, end)) return;
        break;
    }
    this.#state = BODY;
    if (!this.#tellHead(null)) return;
    if (head.framing === FRAMING_CHUNKED) this.#passChunkedStart(buffer, end);
    else if (start < end) this.#readBody(buffer, start, end);
  }

  #wholeStart = 0;
  #wholeEnd = 0;
  #rest = 0;

  /**
   * Decodes what is here of a chunked body in place. When it is all here the client gets a plain Content-Length answer;
   * otherwise the decoded part is left in [#wholeStart, #wholeEnd) for the stream.
   * @returns true when the answer is dealt with.
   */
  #wholeChunked(chunks: ChunkedDecoder, buffer: Buffer, start: number, end: number): boolean {
    this.#wholeStart = start;
    this.#wholeEnd = start;
    let position = start;
    for (;;) {
      const event = chunks.next(buffer, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) {
        const { dataStart, dataEnd } = chunks;
        if (this.#wholeEnd === this.#wholeStart) {
          this.#wholeStart = dataStart;
          this.#wholeEnd = dataEnd;
        } else {
          buffer.copy(buffer, this.#wholeEnd, dataStart, dataEnd);
          this.#wholeEnd += dataEnd - dataStart;
        }
      } else if (event === CHUNK_DONE) {
        this.#surplus = position < end;
        this.#deliverWhole(part(buffer, this.#wholeStart, this.#wholeEnd));
        return true;
      } else if (event === CHUNK_ERROR) {
        this.#fail('SP_UPSTREAM_PROTOCOL', chunks.reason);
        return true;
      } else {
        this.#rest = position;
        return false;
      }
    }
  }

  #passChunkedStart(buffer: Buffer, end: number): void {
    if (this.#wholeEnd > this.#wholeStart) this.#pass(buffer.subarray(this.#wholeStart, this.#wholeEnd));
    if (this.#rest < end && this.#state === BODY) this.#readBody(buffer, this.#rest, end);
  }

  #readBody(buffer: Buffer, start: number, end: number): void {
    switch (this.head.framing) {
      case FRAMING_LENGTH: {
        const take = Math.min(end - start, this.#remaining);
        this.#remaining -= take;
        this.#surplus = start + take < end;
        if (this.#remaining === 0) this.#state = IDLE;
        this.#pass(buffer.subarray(start, start + take));
        if (this.#remaining === 0) this.reader?.onEnd();
        return;
      }
      case FRAMING_CHUNKED:
        this.#readChunks(buffer, start, end);
        return;
      default:
        this.#pass(buffer.subarray(start, end));
    }
  }

  #readChunks(buffer: Buffer, start: number, end: number): void {
    const chunks = this.#chunks;
    if (chunks === null) return;
    let position = start;
    while (this.#state === BODY) {
      const event = chunks.next(buffer, position, end);
      position = chunks.position;
      if (event === CHUNK_DATA) {
        this.#pass(buffer.subarray(chunks.dataStart, chunks.dataEnd));
      } else if (event === CHUNK_DONE) {
        this.#surplus = position < end;
        this.#state = IDLE;
        this.reader?.onEnd();
        return;
      } else if (event === CHUNK_ERROR) {
        this.#fail('SP_UPSTREAM_PROTOCOL', chunks.reason);
        return;
      } else {
        return;
      }
    }
  }

  #pass(piece: Buffer): void {
    const { reader } = this;
    if (reader === null) return;
    if (!reader.onPiece(piece)) this.#paused = true;
  }

  #deliverWhole(body: Buffer): void {
    this.#state = IDLE;
    this.#tellHead(body);
  }

  #tellHead(whole: Buffer | null): boolean {
    const { reader } = this;
    if (reader === null) return false;
    if (reader.onHead(this.head, whole)) return true;
    this.destroy();
    return false;
  }
}

let lastPart: Buffer = NO_BYTES;
let lastStart = -1;

/**
 * A part of the read buffer, read before the next one is asked for. Answers of one kind lie at the same place: the view
 * of the last one is given again, since making one costs 100 ns.
 */
function part(buffer: Buffer, start: number, end: number): Buffer {
  if (buffer !== READ_BUFFER) return buffer.subarray(start, end);
  if (start !== lastStart || end - start !== lastPart.length) {
    lastPart = buffer.subarray(start, end);
    lastStart = start;
  }
  return lastPart;
}
