import type { ClientRequest, IncomingMessage } from 'node:http';
import { type RawData, WebSocket } from 'ws';
import { TimerNode } from '../base/timer-wheel.ts';
import type { RouteConfig } from '../config/schema.ts';
import type { ErrorCode } from '../errors.ts';
import type { Source, Transaction, WebSocketEnd, WebSocketOffer } from '../transaction.ts';
import { refuse } from '../verdict.ts';
import { triedBit } from './balance.ts';
import type { UpstreamGroup } from './group.ts';
import { relayRefusal } from './relay-refusal.ts';
import type { FailureKind } from './retry-budget.ts';
import type { Target } from './targets.ts';

export interface WebSocketRequest {
  /** Path and query for the target. */
  readonly target: string;
  /** Fields for the target, `name: value\r\n` each, `Host` first. */
  readonly fields: string;
  readonly limits: RouteConfig['policies']['websocket'];
}

/** Handshake fields are ours on each side: the keys of the two connections differ. */
const HANDSHAKE_FIELD = /^sec-websocket-/;
/** A subprotocol is a token (RFC 6455 4.1). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NO_STATUS = 1_005;
const ABNORMAL = 1_006;
const TOO_BIG = 1_009;
const TRY_AGAIN_LATER = 1_013;
const BAD_GATEWAY = 1_014;
const GOING_AWAY = 1_001;

/**
 * One WebSocket between a client and an upstream, message by message. The client's handshake is completed only after
 * the upstream accepted its own, so a refusal of the upstream reaches the client as plain HTTP.
 *
 * Back-pressure: a slow client stops the reading from the upstream. The front cannot stop reading from a client, so one
 * that sends faster than the upstream reads is closed with 1013 once `bufferBytesMax` wait.
 *
 * Threads: one. The one door to `ws`.
 */
export class WebSocketCall extends TimerNode implements Source, WebSocketEnd {
  readonly #tx: Transaction;
  readonly #offer: WebSocketOffer;
  readonly #group: UpstreamGroup;
  readonly #request: WebSocketRequest;
  #target: Target | null = null;
  #upstream: WebSocket | null = null;
  #client: WebSocketEnd | null = null;
  #tried = 0;
  #retrying = false;
  #over = false;
  #lastMoveAt = 0;
  #paused = false;

  constructor(tx: Transaction, offer: WebSocketOffer, group: UpstreamGroup, request: WebSocketRequest) {
    super();
    this.#tx = tx;
    this.#offer = offer;
    this.#group = group;
    this.#request = request;
  }

  start(nowMs: number): void {
    if (this.#offer.protocols.some((protocol) => !TOKEN.test(protocol)) || hasTwins(this.#offer.protocols)) {
      this.#tx.owner.refuse(this.#tx, refuse('SP_WEBSOCKET_HANDSHAKE', 'The subprotocols are malformed or repeated.'));
      return;
    }
    if (!this.#tx.isAscii) {
      // node:http, under `ws`, writes fields as latin1: other bytes would not arrive as they were sent.
      this.#tx.owner.refuse(this.#tx, refuse('SP_REQUEST_FIELD', 'A WebSocket handshake has ASCII fields only.'));
      return;
    }
    this.#group.callStarted();
    this.#tx.downstream.attach(this);
    this.#try(nowMs);
  }

  // ------------------------------------------------------------------ handshake

  #try(nowMs: number): void {
    const group = this.#group;
    const tx = this.#tx;
    const target = group.choose(tx, nowMs, this.#tried);
    if (typeof target === 'string') {
      this.#refuse(target, `no target of ${group.name} can take the request`);
      return;
    }
    if (!group.circuit.enterConnection(target.slot)) {
      group.circuit.leaveRequest(target.slot);
      this.#refuse('SP_UPSTREAM_OVERLOADED', `${target.url} has connectionsMax connections`);
      return;
    }
    this.#target = target;
    this.#tried |= triedBit(target.index);
    tx.tries += 1;
    tx.upstreamTarget = target.url;
    group.events.connectionOpened(target.slot);
    this.#connect(target);
  }

  #connect(target: Target): void {
    const { timeouts } = this.#group.config;
    const origin = target.url.replace(/^http/, 'ws');
    const upstream = new WebSocket(origin, [...this.#offer.protocols], {
      ...(this.#group.tlsOptions(target) ?? {}),
      headers: fieldsOf(this.#request.fields),
      handshakeTimeout: timeouts.connectMs + timeouts.headMs,
      maxPayload: this.#request.limits.messageBytesMax,
      perMessageDeflate: false,
      followRedirects: false,
      // Pings travel from end to end: the client's answer, not ours, tells the upstream that the client lives.
      autoPong: false,
      // The URL parser would normalise once more; the target gets exactly what every policy has seen.
      finishRequest: (request: ClientRequest) => {
        request.path = this.#request.target;
        request.end();
      },
    });
    this.#upstream = upstream;
    upstream.binaryType = 'nodebuffer';
    const guarded =
      <A extends unknown[]>(handler: (...args: A) => void) =>
      (...args: A): void => {
        // A connection given up still speaks: its words count no more.
        if (this.#upstream !== upstream) return;
        try {
          handler(...args);
        } catch (error) {
          this.#bug(error);
        }
      };
    upstream.on(
      'open',
      guarded(() => this.#opened(upstream)),
    );
    upstream.on(
      'unexpected-response',
      guarded((_request: ClientRequest, answer: IncomingMessage) => this.#refused(answer)),
    );
    // After 'open' an error is followed by 'close', which deals with it.
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#client === null) guarded(() => this.#failed(error))();
      else guarded(() => this.#broke(error))();
    });
    upstream.on(
      'message',
      guarded((message: RawData, isBinary: boolean) => this.#fromUpstream(bytesOf(message), isBinary)),
    );
    upstream.on(
      'ping',
      guarded((payload: Buffer) => this.#pingClient(payload)),
    );
    // Our pings to the upstream only carry the client's; the front has answered these already.
    upstream.on(
      'pong',
      guarded(() => this.#moved()),
    );
    upstream.on(
      'close',
      guarded((code: number, reason: Buffer) => this.#upstreamClosed(code, reason)),
    );
  }

  #opened(upstream: WebSocket): void {
    const tx = this.#tx;
    const group = this.#group;
    tx.upstreamMs = group.now() - tx.startedAt;
    if (this.#target !== null) group.answered(this.#target, 101, Date.now());
    this.#client = this.#offer.accept(upstream.protocol, this);
    if (this.#client === null) {
      this.#end();
      upstream.terminate();
      return;
    }
    this.#lastMoveAt = group.now();
    group.wheel.schedule(this, this.#request.limits.idleMs);
  }

  /** The upstream said no in plain HTTP: the client gets that very answer. */
  #refused(answer: IncomingMessage): void {
    const target = this.#target;
    if (target !== null) this.#group.answered(target, answer.statusCode ?? 0, Date.now());
    this.#tx.upstreamMs = this.#group.now() - this.#tx.startedAt;
    const upstream = this.#upstream;
    this.#end();
    relayRefusal(this.#tx, answer, () => upstream?.terminate());
  }

  #failed(error: NodeJS.ErrnoException): void {
    const group = this.#group;
    const target = this.#target;
    const tx = this.#tx;
    const { code, kind } = classify(error);
    this.#upstream = null;
    if (target !== null && code !== 'SP_DESCRIPTORS') {
      group.failed(target, Date.now());
      group.events.connectFailed(target.slot);
    }
    this.#leaveTarget();
    if (kind !== null && group.startRetry(tx, false, kind, this.#retrying)) {
      this.#retrying = true;
      if (target !== null) group.events.retried(target.slot);
      this.#try(Date.now());
      return;
    }
    this.#refuse(code, `${target?.url ?? ''}: ${error.message}`);
  }

  /** An error on the open connection: `ws` has closed it, or is about to. */
  #broke(error: NodeJS.ErrnoException): void {
    if (this.#tx.reason === '') this.#tx.reason = `${this.#target?.url ?? ''}: ${error.message}`;
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#closeBoth(TOO_BIG, 'message too big');
  }

  // ------------------------------------------------------------------ upstream to client

  #fromUpstream(message: Uint8Array, isBinary: boolean): void {
    const client = this.#moved();
    if (client === null) return;
    this.#tx.bytesSent += message.length;
    client.send(message, isBinary);
    this.#holdBack(client);
  }

  #pingClient(payload: Uint8Array): void {
    const client = this.#moved();
    if (client === null) return;
    client.ping(payload);
    this.#holdBack(client);
  }

  #holdBack(client: WebSocketEnd): void {
    if (client.bufferedBytes <= this.#request.limits.bufferBytesMax || this.#paused) return;
    this.#paused = true;
    this.#upstream?.pause();
  }

  onDrain(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#upstream?.resume();
  }

  #upstreamClosed(code: number, reason: Buffer): void {
    const client = this.#client;
    if (client === null) {
      this.#failed(Object.assign(new Error('closed in the middle of the handshake'), { code: 'ECONNRESET' }));
      return;
    }
    if (code === ABNORMAL) {
      this.#tx.code = 'SP_UPSTREAM_RESET';
      client.close(BAD_GATEWAY, Buffer.from('upstream connection lost'));
    } else {
      client.close(code, reason);
    }
    this.#finish();
  }

  // ------------------------------------------------------------------ client to upstream

  get bufferedBytes(): number {
    return this.#upstream?.bufferedAmount ?? 0;
  }

  send(message: Uint8Array, isBinary: boolean): void {
    const upstream = this.#upstream;
    this.#moved();
    if (upstream === null || upstream.readyState !== WebSocket.OPEN) return;
    const { messageBytesMax, bufferBytesMax } = this.#request.limits;
    this.#tx.bytesReceived += message.length;
    if (message.length > messageBytesMax) {
      this.#closeBoth(TOO_BIG, 'message too big');
      return;
    }
    if (upstream.bufferedAmount + message.length > bufferBytesMax + messageBytesMax) {
      this.#closeBoth(TRY_AGAIN_LATER, 'upstream too slow');
      return;
    }
    upstream.send(Buffer.from(message), { binary: isBinary });
  }

  ping(payload: Uint8Array): void {
    const upstream = this.#controlled();
    upstream?.ping(Buffer.from(payload));
  }

  pong(payload: Uint8Array): void {
    const upstream = this.#controlled();
    upstream?.pong(Buffer.from(payload));
  }

  /**
   * A control frame came from the client. The front answers its pings by itself and holds what it does not read: who
   * floods with them and reads nothing is cut, since a polite close would wait behind all that.
   * @returns  The upstream where it takes another frame.
   */
  #controlled(): WebSocket | null {
    const upstream = this.#upstream;
    const client = this.#moved();
    if (client === null || upstream === null || upstream.readyState !== WebSocket.OPEN) return null;
    const { messageBytesMax, bufferBytesMax } = this.#request.limits;
    const bound = bufferBytesMax + messageBytesMax;
    if (client.bufferedBytes <= bound && upstream.bufferedAmount <= bound) return upstream;
    this.#tx.reason = 'more control frames than the other end reads';
    this.#finish();
    client.close(ABNORMAL, Buffer.alloc(0));
    upstream.terminate();
    return null;
  }

  /** The client is gone. */
  close(code: number, reason: Uint8Array): void {
    const upstream = this.#upstream;
    this.#finish();
    if (upstream === null) return;
    if (code === ABNORMAL || upstream.readyState !== WebSocket.OPEN) upstream.terminate();
    else closeUpstream(upstream, code, reason);
  }

  /** The client left before the handshake was complete. */
  onAbort(): void {
    const upstream = this.#upstream;
    this.#end();
    upstream?.terminate();
  }

  onBody(): void {
    // An upgrade request goes without a body.
  }

  // ------------------------------------------------------------------ ends

  /** Idle look: messages only write a time stamp. */
  fire(): void {
    try {
      this.#look();
    } catch (error) {
      this.#bug(error);
    }
  }

  #look(): void {
    const idleMs = this.#group.now() - this.#lastMoveAt;
    if (idleMs < this.#request.limits.idleMs) this.#group.wheel.schedule(this, this.#request.limits.idleMs - idleMs);
    else this.#closeBoth(GOING_AWAY, 'idle');
  }

  #moved(): WebSocketEnd | null {
    this.#lastMoveAt = this.#group.now();
    return this.#client;
  }

  #closeBoth(code: number, reason: string): void {
    const client = this.#client;
    const upstream = this.#upstream;
    const text = Buffer.from(reason);
    this.#finish();
    client?.close(code, text);
    if (upstream !== null) closeUpstream(upstream, code, text);
  }

  #finish(): void {
    if (this.#over) return;
    const tx = this.#tx;
    this.#end();
    tx.owner.finish(tx);
  }

  #refuse(code: ErrorCode, reason: string): void {
    const tx = this.#tx;
    this.#end();
    tx.reason = reason;
    tx.owner.refuse(tx, refuse(code));
  }

  #bug(error: unknown): void {
    const upstream = this.#upstream;
    const client = this.#client;
    const tx = this.#tx;
    this.#end();
    upstream?.terminate();
    client?.close(BAD_GATEWAY, Buffer.alloc(0));
    tx.owner.failed(tx, error);
  }

  #leaveTarget(): void {
    const target = this.#target;
    if (target === null) return;
    this.#target = null;
    this.#group.circuit.leaveRequest(target.slot);
    this.#group.circuit.leaveConnection(target.slot);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#upstream = null;
    this.#client = null;
    this.#group.wheel.cancel(this);
    this.#leaveTarget();
    if (this.#retrying) this.#group.retryEnded();
    this.#group.callEnded();
    this.#tx.downstream.detach();
  }
}

/** `ws` refuses to send codes that only describe a connection (RFC 6455 7.4.1). */
function closeUpstream(upstream: WebSocket, code: number, reason: Uint8Array): void {
  const sendable =
    (code >= 1_000 && code <= 1_014 && code !== 1_004 && code !== NO_STATUS && code !== ABNORMAL) ||
    (code >= 3_000 && code <= 4_999);
  if (sendable) upstream.close(code, Buffer.from(reason));
  else upstream.close();
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

function classify(error: NodeJS.ErrnoException): { code: ErrorCode; kind: FailureKind | null } {
  if (error.code === 'EMFILE' || error.code === 'ENFILE') return { code: 'SP_DESCRIPTORS', kind: null };
  if (error.syscall === 'connect') return { code: 'SP_UPSTREAM_CONNECT', kind: 'connect' };
  if (error.message === 'Opening handshake has timed out') return { code: 'SP_UPSTREAM_TIMEOUT', kind: null };
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return { code: 'SP_UPSTREAM_RESET', kind: null };
  if (error.code?.startsWith('ERR_TLS') || error.code?.includes('CERT'))
    return { code: 'SP_UPSTREAM_TLS', kind: 'tls' };
  return { code: 'SP_UPSTREAM_PROTOCOL', kind: null };
}

function bytesOf(message: RawData): Uint8Array {
  if (Array.isArray(message)) return Buffer.concat(message);
  return message instanceof ArrayBuffer ? new Uint8Array(message) : message;
}

function hasTwins(protocols: readonly string[]): boolean {
  return new Set(protocols).size !== protocols.length;
}
