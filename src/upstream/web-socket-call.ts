import type { IncomingMessage } from 'node:http';
import type { RouteConfig } from '../config/schema.ts';
import type { ErrorCode } from '../errors.ts';
import { REFUSED_HANDSHAKE_BODY_MS, WEBSOCKET_PINGS_MAX } from '../limits.ts';
import type { Source, Transaction, WebSocketEnd, WebSocketOffer } from '../transaction.ts';
import { refuse } from '../verdict.ts';
import type { UpstreamGroup } from './group.ts';
import { readRefusal, relayRefusal } from './relay-refusal.ts';
import type { ResponseHead } from './response-head.ts';
import type { FailureKind } from './retry-budget.ts';
import { TargetCall } from './target-call.ts';
import { UpstreamWebSocket, type WebSocketListener } from './web-socket-client.ts';

export interface WebSocketRequest {
  /** Path and query for the target. */
  readonly target: string;
  /** Fields for the target, `name: value\r\n` each, `Host` first. */
  readonly fields: string;
  readonly limits: RouteConfig['policies']['websocket'];
}

/** A subprotocol is a token (RFC 6455 4.1). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const GOING_AWAY = 1_001;
const ABNORMAL = 1_006;
const POLICY = 1_008;
const TOO_BIG = 1_009;
const TRY_AGAIN_LATER = 1_013;
const BAD_GATEWAY = 1_014;
const NO_BYTES = new Uint8Array(0);
/** Unanswered pings are counted within so long: an upstream that answers none still hears of a client now and then. */
const PING_WINDOW_MS = 1_000;

/**
 * One WebSocket between a client and an upstream, message by message. The client's handshake is completed only after
 * the upstream accepted its own, so a refusal of the upstream reaches the client as plain HTTP.
 *
 * Back-pressure: a slow client stops the reading from the upstream. The front cannot stop reading from a client, so one
 * that sends faster than the upstream reads is closed with 1013 once `bufferBytesMax` wait.
 *
 * Threads: one.
 */
export class WebSocketCall extends TargetCall implements Source, WebSocketEnd, WebSocketListener {
  readonly #offer: WebSocketOffer;
  readonly #request: WebSocketRequest;
  #upstream: UpstreamWebSocket | null = null;
  #client: WebSocketEnd | null = null;
  #refused = false;
  #lastMoveAt = 0;
  #paused = false;
  #pings = 0;
  #pingsFrom = 0;

  constructor(tx: Transaction, offer: WebSocketOffer, group: UpstreamGroup, request: WebSocketRequest) {
    super(tx, group, true);
    this.#offer = offer;
    this.#request = request;
  }

  start(nowMs: number): void {
    const { tx } = this;
    if (this.#offer.protocols.some((protocol) => !TOKEN.test(protocol)) || hasTwins(this.#offer.protocols)) {
      tx.owner.refuse(tx, refuse('SP_WEBSOCKET_HANDSHAKE', 'The subprotocols are malformed or repeated.'));
      return;
    }
    if (!tx.isAscii) {
      // node:http, under `ws`, writes fields as latin1: other bytes would not arrive as they were sent.
      tx.owner.refuse(tx, refuse('SP_REQUEST_FIELD', 'A WebSocket handshake has ASCII fields only.'));
      return;
    }
    this.beginCall(this);
    this.#try(nowMs);
  }

  // ------------------------------------------------------------------ handshake

  #try(nowMs: number): void {
    const target = this.chooseTarget(nowMs);
    if (target === null) return;
    const { group } = this;
    const { timeouts } = group.config;
    group.events.connectionOpened(target.slot);
    group.wheel.schedule(this, timeouts.connectMs + timeouts.headMs);
    this.#upstream = new UpstreamWebSocket(
      {
        url: target.url,
        tlsOptions: group.tlsOptions(target),
        target: this.#request.target,
        fields: this.#request.fields,
        protocols: this.#offer.protocols,
        messageBytesMax: this.#request.limits.messageBytesMax,
      },
      this,
    );
  }

  onOpen(protocol: string): void {
    const { group } = this;
    this.#handshakeAnswered(101);
    this.targetAnswered(101, Date.now());
    this.#client = this.#offer.accept(protocol, this);
    if (this.#client === null) {
      this.#end()?.terminate();
      return;
    }
    this.#lastMoveAt = group.now();
    group.wheel.schedule(this, this.#request.limits.idleMs);
  }

  /** The client gets that very answer. The place at the target is taken until all of it is read. */
  onRefused(answer: IncomingMessage, head: ResponseHead): void {
    const { tx, group } = this;
    this.#refused = true;
    this.#handshakeAnswered(head.status);
    this.targetAnswered(head.status, Date.now());
    group.wheel.schedule(this, REFUSED_HANDSHAKE_BODY_MS);
    readRefusal(answer, head, (body, code, reason) => {
      if (this.ended) return;
      try {
        if (body === null) {
          this.giveUp(code, `${this.target?.url ?? ''}: ${reason}`);
          return;
        }
        this.#end()?.terminate();
        relayRefusal(tx, head, body);
      } catch (error) {
        this.onBug(error);
      }
    });
  }

  onFailed(code: ErrorCode, reason: string, kind: FailureKind | undefined): void {
    const { group, target } = this;
    const nowMs = Date.now();
    this.#upstream = null;
    if (target !== null && code !== 'SP_DESCRIPTORS') {
      this.targetFailed(nowMs);
      group.events.connectFailed(target.slot);
    }
    if (this.leaveForRetry(kind, false)) this.#try(nowMs);
    else this.giveUp(code, `${target?.url ?? ''}: ${reason}`);
  }

  #handshakeAnswered(status: number): void {
    const { tx } = this;
    const now = this.group.now();
    tx.upstreamMs = now - tx.wentOnAt;
    tx.places?.answered(tx, status, now);
  }

  // ------------------------------------------------------------------ upstream to client

  onMessage(message: Uint8Array, isBinary: boolean): void {
    const client = this.#moved();
    if (client === null) return;
    this.tx.bytesSent += message.length;
    client.send(message, isBinary);
    this.#holdBack(client);
  }

  onPing(payload: Uint8Array): void {
    const client = this.#moved();
    if (client === null) return;
    client.ping(payload);
    this.#holdBack(client);
  }

  /** Our pings to the upstream only carry the client's; the front has answered these already. */
  onPong(): void {
    this.#moved();
    this.#pings = 0;
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

  onBroken(code: ErrorCode | null, reason: string): void {
    if (code === 'SP_UPSTREAM_MESSAGE_TOO_LARGE') this.#closeBoth(TOO_BIG, 'message too big', code);
    else if (code !== null) this.#closeBoth(BAD_GATEWAY, 'invalid frame from the upstream', code);
    else if (this.tx.reason === '') this.tx.reason = `${this.target?.url ?? ''}: ${reason}`;
  }

  onClose(code: number, reason: Uint8Array): void {
    if (code === ABNORMAL) {
      this.#closeBoth(BAD_GATEWAY, 'upstream connection lost', 'SP_UPSTREAM_RESET');
      return;
    }
    const client = this.#client;
    this.#finish();
    client?.close(code, reason);
  }

  // ------------------------------------------------------------------ client to upstream

  get bufferedBytes(): number {
    return this.#upstream?.bufferedBytes ?? 0;
  }

  send(message: Uint8Array, isBinary: boolean): void {
    const upstream = this.#upstream;
    this.#moved();
    if (upstream === null || !upstream.isOpen) return;
    const { messageBytesMax, bufferBytesMax } = this.#request.limits;
    this.tx.bytesReceived += message.length;
    if (message.length > messageBytesMax) {
      this.#closeBoth(TOO_BIG, 'message too big', 'SP_WEBSOCKET_MESSAGE_TOO_LARGE');
    } else if (upstream.bufferedBytes + message.length > bufferBytesMax + messageBytesMax) {
      this.#closeBoth(TRY_AGAIN_LATER, 'upstream too slow', 'SP_UPSTREAM_TOO_SLOW');
    } else upstream.send(message, isBinary);
  }

  /** Servers take many unanswered pings for an attack and cut the connection: the client's flood ends here. */
  ping(payload: Uint8Array): void {
    const upstream = this.#controlled();
    if (upstream === null) return;
    if (this.#lastMoveAt - this.#pingsFrom > PING_WINDOW_MS) {
      this.#pingsFrom = this.#lastMoveAt;
      this.#pings = 0;
    }
    this.#pings += 1;
    if (this.#pings > WEBSOCKET_PINGS_MAX) this.#closeBoth(POLICY, 'too many pings', 'SP_WEBSOCKET_FLOOD');
    else upstream.ping(payload);
  }

  pong(payload: Uint8Array): void {
    this.#controlled()?.pong(payload);
  }

  /**
   * A control frame came from the client. The front answers its pings by itself and holds what it does not read: who
   * floods with them and reads nothing is cut, since a polite close would wait behind all that.
   * @returns  The upstream where it takes another frame.
   */
  #controlled(): UpstreamWebSocket | null {
    const upstream = this.#upstream;
    const client = this.#moved();
    if (client === null || upstream === null || !upstream.isOpen) return null;
    const { messageBytesMax, bufferBytesMax } = this.#request.limits;
    const bound = bufferBytesMax + messageBytesMax;
    if (client.bufferedBytes <= bound && upstream.bufferedBytes <= bound) return upstream;
    this.tx.code = 'SP_WEBSOCKET_FLOOD';
    this.tx.reason = 'cut: more control frames than the other end reads';
    this.#finish()?.terminate();
    client.close(ABNORMAL, NO_BYTES);
    return null;
  }

  /** The client is gone. */
  close(code: number, reason: Uint8Array): void {
    if (code === ABNORMAL) this.#finish()?.terminate();
    else this.#finish()?.close(code, reason);
  }

  /** The client left before the handshake was complete. */
  onAbort(): void {
    this.#end()?.terminate();
  }

  onBody(): void {
    // An upgrade request goes without a body.
  }

  // ------------------------------------------------------------------ ends

  /** Idle look: messages only write a time stamp. Before the handshake is complete, its deadline. */
  fire(): void {
    try {
      if (this.#client === null) this.#late();
      else this.#look();
    } catch (error) {
      this.onBug(error);
    }
  }

  #late(): void {
    const url = this.target?.url ?? '';
    if (this.#refused)
      this.giveUp('SP_UPSTREAM_IDLE_TIMEOUT', `${url}: no whole body of the refused handshake in time`);
    else {
      this.#upstream?.terminate();
      this.onFailed('SP_UPSTREAM_TIMEOUT', 'no answer to the handshake in time', undefined);
    }
  }

  #look(): void {
    const { idleMs } = this.#request.limits;
    const silentMs = this.group.now() - this.#lastMoveAt;
    if (silentMs < idleMs) this.group.wheel.schedule(this, idleMs - silentMs);
    else this.#closeBoth(GOING_AWAY, 'idle', 'SP_WEBSOCKET_IDLE');
  }

  #moved(): WebSocketEnd | null {
    this.#lastMoveAt = this.group.now();
    return this.#client;
  }

  #closeBoth(code: number, reason: string, error: ErrorCode): void {
    const client = this.#client;
    const text = Buffer.from(reason);
    const { tx } = this;
    tx.code = error;
    tx.reason = `closed with ${code}: ${reason}${tx.reason === '' ? '' : `; ${tx.reason}`}`;
    this.#finish()?.close(code, text);
    client?.close(code, text);
  }

  /** @returns  The upstream, for a last word. */
  #finish(): UpstreamWebSocket | null {
    if (this.ended) return null;
    const upstream = this.#end();
    this.tx.owner.finish(this.tx);
    return upstream;
  }

  protected giveUp(code: ErrorCode, reason: string): void {
    const { tx } = this;
    this.#end()?.terminate();
    tx.reason = reason;
    tx.owner.refuse(tx, refuse(code));
  }

  onBug(error: unknown): void {
    const client = this.#client;
    this.#end()?.terminate();
    client?.close(BAD_GATEWAY, NO_BYTES);
    this.tx.owner.failed(this.tx, error);
  }

  #end(): UpstreamWebSocket | null {
    const upstream = this.#upstream;
    this.#upstream = null;
    this.#client = null;
    this.endCall();
    return upstream;
  }
}

function hasTwins(protocols: readonly string[]): boolean {
  return new Set(protocols).size !== protocols.length;
}
