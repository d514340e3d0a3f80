import type { ClientRequest, IncomingMessage } from 'node:http';
import type tls from 'node:tls';
import { type RawData, WebSocket } from 'ws';
import type { ErrorCode } from '../errors.ts';
import { INTERIM_RESPONSES_MAX, RESPONSE_FIELDS_MAX } from '../limits.ts';
import { HEAD_INCOMPLETE, HEAD_TOO_LARGE, parseResponseHead, ResponseHead } from './response-head.ts';
import type { FailureKind } from './retry-budget.ts';

export interface Handshake {
  /** `http://host:port` or https. */
  readonly url: string;
  readonly tlsOptions: tls.ConnectionOptions | null;
  /** Path and query for the target. */
  readonly target: string;
  /** Fields for the target, `name: value\r\n` each, `Host` first. ASCII. */
  readonly fields: string;
  readonly protocols: readonly string[];
  readonly messageBytesMax: number;
}

/** What comes of a WebSocket towards a target. Nothing is told any more once it was left, closed or failed. */
export interface WebSocketListener {
  onOpen(protocol: string): void;
  /** The handshake failed, or the connection did before it was complete. */
  onFailed(code: ErrorCode, reason: string, kind: FailureKind | undefined): void;
  /** The target said no in plain HTTP. @param head  What our own parser makes of its head. */
  onRefused(answer: IncomingMessage, head: ResponseHead): void;
  onMessage(message: Uint8Array, isBinary: boolean): void;
  onPing(payload: Uint8Array): void;
  onPong(): void;
  /** An error of the open connection; `onClose` follows. @param code  Null where the connection was lost. */
  onBroken(code: ErrorCode | null, reason: string): void;
  /** @param code  1005 for none given, 1006 for a connection that was lost. */
  onClose(code: number, reason: Uint8Array): void;
  /** A bug in one of the above. */
  onBug(error: unknown): void;
}

/** A head as node:http gives it: of an answer, or of an interim one. */
type ReceivedHead = Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'> & {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
};

/** Handshake fields are ours on each side: the keys of the two connections differ. */
const HANDSHAKE_FIELD = /^sec-websocket-/;
const NO_STATUS = 1_005;
const ABNORMAL = 1_006;

/**
 * One WebSocket towards a target. The handshake goes through node:http, which takes more than our own client does:
 * every head is read once more by our own parser, as far as node:http shows it, and interim answers are counted.
 *
 * Threads: one. The one door to `ws`.
 */
export class UpstreamWebSocket {
  readonly #socket: WebSocket;
  #listener: WebSocketListener | null;
  #opened = false;
  #interim = 0;

  /** @throws  TypeError when node:http takes a field for invalid. */
  constructor(handshake: Handshake, listener: WebSocketListener) {
    this.#listener = listener;
    this.#socket = new WebSocket(handshake.url.replace(/^http/, 'ws'), [...handshake.protocols], {
      ...(handshake.tlsOptions ?? {}),
      headers: fieldsOf(handshake.fields),
      maxPayload: handshake.messageBytesMax,
      perMessageDeflate: false,
      followRedirects: false,
      // Pings travel from end to end: the client's answer, not ours, tells the upstream that the client lives.
      autoPong: false,
      // The URL parser would normalise once more; the target gets exactly what every policy has seen.
      finishRequest: (request: ClientRequest) => {
        request.path = handshake.target;
        // node:http drops silently what is over: one more than allowed shows that there were too many.
        request.maxHeadersCount = RESPONSE_FIELDS_MAX + 1;
        request.on('information', (head: ReceivedHead) => this.#tell((told) => this.#onInterim(told, head)));
        request.end();
      },
    });
    this.#socket.binaryType = 'nodebuffer';
    this.#listen();
  }

  get isOpen(): boolean {
    return this.#listener !== null && this.#socket.readyState === WebSocket.OPEN;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Messages are copied. Only while open. */
  send(message: Uint8Array, isBinary: boolean): void {
    this.#socket.send(Buffer.from(message), { binary: isBinary });
  }

  ping(payload: Uint8Array): void {
    this.#socket.ping(Buffer.from(payload));
  }

  pong(payload: Uint8Array): void {
    this.#socket.pong(Buffer.from(payload));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Codes that only describe a connection cannot be sent (RFC 6455 7.4.1): the close then goes without one. */
  close(code: number, reason: Uint8Array): void {
    if (!this.isOpen) {
      this.terminate();
      return;
    }
    this.#listener = null;
    const sendable =
      (code >= 1_000 && code <= 1_014 && code !== 1_004 && code !== NO_STATUS && code !== ABNORMAL) ||
      (code >= 3_000 && code <= 4_999);
    if (sendable) this.#socket.close(code, Buffer.from(reason));
    else this.#socket.close();
  }

  /** Cuts the connection. `ws` ends the one of a broken frame by itself, politely. */
  terminate(): void {
    this.#listener = null;
    if (this.#socket.readyState !== WebSocket.CLOSING) this.#socket.terminate();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('open', () => this.#tell((listener) => this.#onOpen(listener)));
    socket.on('upgrade', (answer) => this.#tell((listener) => this.#onUpgrade(listener, answer)));
    socket.on('unexpected-response', (_request, answer) => this.#tell((listener) => this.#onRefused(listener, answer)));
    socket.on('error', (error) => this.#tell((listener) => this.#onError(listener, error)));
    socket.on('message', (message, isBinary) =>
      this.#tell((listener) => listener.onMessage(bytesOf(message), isBinary)),
    );
    socket.on('ping', (payload) => this.#tell((listener) => listener.onPing(payload)));
    socket.on('pong', () => this.#tell((listener) => listener.onPong()));
    socket.on('close', (code, reason) => this.#tell((listener) => this.#onClose(listener, code, reason)));
  }

  /** A connection given up still speaks: its words count no more. */
  #tell(what: (listener: WebSocketListener) => void): void {
    const listener = this.#listener;
    if (listener === null) return;
    try {
      what(listener);
    } catch (error) {
      listener.onBug(error);
    }
  }

  #onInterim(listener: WebSocketListener, answer: ReceivedHead): void {
    this.#interim += 1;
    if (this.#interim > INTERIM_RESPONSES_MAX) {
      this.#fail(listener, 'SP_UPSTREAM_PROTOCOL', 'too many interim answers', undefined);
    } else this.#judge(listener, answer);
  }

  #onUpgrade(listener: WebSocketListener, answer: IncomingMessage): void {
    // RFC 6455 4.2.2: the answer is HTTP/1.1 or higher.
    if (answer.httpVersion === '1.1') this.#judge(listener, answer);
    else this.#fail(listener, 'SP_UPSTREAM_PROTOCOL', '101 of an HTTP version below 1.1', undefined);
  }

  #onRefused(listener: WebSocketListener, answer: IncomingMessage): void {
    const head = this.#judge(listener, answer);
    if (head !== null) listener.onRefused(answer, head);
  }

  /** @returns  The head as our own parser reads it; null when it does not, and the handshake has failed. */
  #judge(listener: WebSocketListener, answer: ReceivedHead): ResponseHead | null {
    const head = new ResponseHead();
    const bytes = bytesOfHead(answer);
    const end = parseResponseHead(head, bytes, 0, bytes.length, false);
    if (end === bytes.length) return head;
    const code = end === HEAD_TOO_LARGE ? 'SP_UPSTREAM_HEAD_TOO_LARGE' : 'SP_UPSTREAM_PROTOCOL';
    this.#fail(listener, code, end <= HEAD_INCOMPLETE ? head.reason : 'more than one head', undefined);
    return null;
  }

  #onOpen(listener: WebSocketListener): void {
    this.#opened = true;
    listener.onOpen(this.#socket.protocol);
  }

  #onError(listener: WebSocketListener, error: NodeJS.ErrnoException): void {
    if (this.#opened) {
      listener.onBroken(brokenCode(error), error.message);
      return;
    }
    const { code, kind } = classify(error);
    this.#fail(listener, code, error.message, kind);
  }

  #onClose(listener: WebSocketListener, code: number, reason: Uint8Array): void {
    if (this.#opened) listener.onClose(code, reason);
    else this.#fail(listener, 'SP_UPSTREAM_RESET', 'closed in the middle of the handshake', undefined);
  }

  #fail(listener: WebSocketListener, code: ErrorCode, reason: string, kind: FailureKind | undefined): void {
    this.terminate();
    listener.onFailed(code, reason, kind);
  }
}

function fieldsOf(fields: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon === -1 || HANDSHAKE_FIELD.test(name)) continue;
    const value = line.slice(colon + 2);
    const before = found[name];
    if (before === undefined) found[name] = value;
    else found[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return found;
}

/** The head as it was on the wire, but for white space around values: node:http read it as latin1. */
function bytesOfHead({ httpVersion, statusCode, statusMessage, rawHeaders }: ReceivedHead): Buffer {
  let head = `HTTP/${httpVersion} ${statusCode ?? ''} ${statusMessage ?? ''}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

function classify(error: NodeJS.ErrnoException): { code: ErrorCode; kind: FailureKind | undefined } {
  if (error.code === 'EMFILE' || error.code === 'ENFILE') return { code: 'SP_DESCRIPTORS', kind: undefined };
  if (error.syscall === 'connect') return { code: 'SP_UPSTREAM_CONNECT', kind: 'connect' };
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return { code: 'SP_UPSTREAM_RESET', kind: undefined };
  if (error.code === 'HPE_HEADER_OVERFLOW') return { code: 'SP_UPSTREAM_HEAD_TOO_LARGE', kind: undefined };
  if (error.code?.startsWith('ERR_TLS') || error.code?.includes('CERT'))
    return { code: 'SP_UPSTREAM_TLS', kind: 'tls' };
  return { code: 'SP_UPSTREAM_PROTOCOL', kind: undefined };
}

function brokenCode({ code }: NodeJS.ErrnoException): ErrorCode | null {
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'SP_UPSTREAM_MESSAGE_TOO_LARGE';
  return code?.startsWith('WS_ERR_') ? 'SP_UPSTREAM_PROTOCOL' : null;
}

function bytesOf(message: RawData): Uint8Array {
  if (Array.isArray(message)) return Buffer.concat(message);
  return message instanceof ArrayBuffer ? new Uint8Array(message) : message;
}
