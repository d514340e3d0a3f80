import { TimerNode, type TimerWheel } from '../base/timer-wheel.ts';
import { WEBSOCKET_CLOSE_MS, WEBSOCKET_CLOSE_STALL_MS } from '../limits.ts';
import type { Transaction, WebSocketEnd, WebSocketOffer } from '../transaction.ts';
import type { HttpDownstream } from './downstream.ts';
import type { Front, ListenerKind } from './front.ts';
import type { HttpRequest, HttpResponse, SocketContext, WebSocket, WebSocketBehavior } from './uws.ts';

const GOING_AWAY = 1_001;
const NO_STATUS = 1_005;
const ABNORMAL = 1_006;
/** uWS closes with 1006 above its own bound and cannot say 1009: ours per route comes first. */
const PAYLOAD_SLACK = 65_536;
/** uWS's longest; idle WebSockets are watched per route instead. Seconds. */
const IDLE_SECONDS = 960;
/** 16 bytes in base64 (RFC 6455 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
const NO_BYTES = new Uint8Array(0);

/** What uWS keeps with a socket. */
interface SocketData {
  readonly client: ClientEnd;
}

/**
 * The clients' WebSockets of one thread.
 *
 * Threads: one.
 */
export class WebSockets {
  readonly #open = new Set<ClientEnd>();
  readonly #front: Front;
  readonly #payloadBytesMax: number;
  readonly #onCount: (delta: number) => void;

  /**
   * @param messageBytesMax  Longest message of any route: uWS wants one bound for all, when the listener is made.
   * @param onCount          Told of every one that opens (+1) or closes (-1).
   */
  constructor(front: Front, messageBytesMax: number, onCount: (delta: number) => void) {
    this.#front = front;
    this.#payloadBytesMax = messageBytesMax + PAYLOAD_SLACK;
    this.#onCount = onCount;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Asks every client to leave (RFC 6455 7.4.1: 1001). */
  closeAll(): void {
    for (const client of [...this.#open]) client.leave();
  }

  /** The behaviour of one listener. */
  behavior(kind: ListenerKind): WebSocketBehavior<SocketData> {
    return {
      compression: 0,
      maxPayloadLength: this.#payloadBytesMax,
      // Bounded by us per route: an upstream is paused long before.
      maxBackpressure: 0,
      idleTimeout: IDLE_SECONDS,
      sendPingsAutomatically: false,
      upgrade: (res, req, context) => this.#front.begin(res, req, kind, this.#offer(res, req, context)),
      open: (socket) => {
        const { client } = socket.getUserData();
        this.#open.add(client);
        this.#onCount(1);
        client.opened(socket);
      },
      message: (socket, message, isBinary) => socket.getUserData().client.received(new Uint8Array(message), isBinary),
      ping: (socket, payload) => socket.getUserData().client.pinged(new Uint8Array(payload)),
      pong: (socket, payload) => socket.getUserData().client.ponged(new Uint8Array(payload)),
      drain: (socket) => socket.getUserData().client.drained(),
      close: (socket, code, reason) => {
        const { client } = socket.getUserData();
        this.#open.delete(client);
        this.#onCount(-1);
        client.closed(code, new Uint8Array(reason));
      },
    };
  }

  /** Copies what the handshake needs: `req` dies with the handler. */
  #offer(res: HttpResponse, req: HttpRequest, context: SocketContext) {
    const key = req.getHeader('sec-websocket-key');
    const version = req.getHeader('sec-websocket-version');
    const protocols = req
      .getHeader('sec-websocket-protocol')
      .split(',')
      .map((protocol) => protocol.trim())
      .filter((protocol) => protocol !== '');
    const front = this.#front;
    return (down: HttpDownstream, tx: Transaction): WebSocketOffer | null => {
      if (version !== '13' || !KEY.test(key)) return null;
      return {
        protocols,
        accept(protocol, upstream) {
          if (!down.leaveTo101()) return null;
          tx.status = 101;
          const client = new ClientEnd(upstream, tx, front.generation.settings.wheel);
          res.cork(() => res.upgrade<SocketData>({ client }, key, protocol, '', context));
          return client;
        },
      };
    };
  }
}

/**
 * The client's end. `#socket` is null before uWS opened it and after it closed: uWS throws when touched then.
 *
 * uWS counts a WebSocket as closed as soon as it is told to end it, and lets nobody touch it any more, while the close
 * frame waits behind what the client has not read. So the end is told only when nothing waits, and until then a client
 * that does not read can still be cut.
 */
class ClientEnd extends TimerNode implements WebSocketEnd {
  readonly #upstream: WebSocketEnd;
  readonly #tx: Transaction;
  readonly #wheel: TimerWheel;
  #socket: WebSocket<SocketData> | null = null;
  #closing = false;
  #code = NO_STATUS;
  #reason: Uint8Array = NO_BYTES;
  /** What waited when the close began, or less: while closing it may only shrink. */
  #waiting = 0;
  #closingSince = 0;
  #takenAt = 0;

  constructor(upstream: WebSocketEnd, tx: Transaction, wheel: TimerWheel) {
    super();
    this.#upstream = upstream;
    this.#tx = tx;
    this.#wheel = wheel;
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  opened(socket: WebSocket<SocketData>): void {
    this.#socket = socket;
  }

  received(message: Uint8Array, isBinary: boolean): void {
    if (!this.#closing) this.#upstream.send(message, isBinary);
  }

  pinged(payload: Uint8Array): void {
    if (this.#closing) this.#checkShrinking();
    else this.#upstream.ping(payload);
  }

  ponged(payload: Uint8Array): void {
    if (!this.#closing) this.#upstream.pong(payload);
  }

  drained(): void {
    if (!this.#closing) {
      this.#upstream.onDrain();
      return;
    }
    this.#takenAt = performance.now();
    this.#checkShrinking();
    if (this.#waiting === 0) this.#socket?.end(this.#code, this.#reason);
  }

  closed(code: number, reason: Uint8Array): void {
    this.#socket = null;
    this.#wheel.cancel(this);
    if (this.#closing) return;
    // A frame that uWS does not take: it cuts the connection, and these are its words.
    if (code === ABNORMAL && reason.length > 0) this.#say(code, Buffer.from(reason).toString('latin1'));
    this.#upstream.close(code, reason);
  }

  send(message: Uint8Array, isBinary: boolean): void {
    if (!this.#closing) this.#socket?.send(message, isBinary, false);
  }

  ping(payload: Uint8Array): void {
    if (!this.#closing) this.#socket?.ping(payload);
  }

  /** uWS answers a client's pings by itself. */
  pong(): void {}

  /** The gateway stops: asks both ends to leave. */
  leave(): void {
    if (this.#closing) return;
    this.#say(GOING_AWAY, 'the gateway stops');
    this.#upstream.close(GOING_AWAY, NO_BYTES);
    this.close(GOING_AWAY, NO_BYTES);
  }

  close(code: number, reason: Uint8Array): void {
    const socket = this.#socket;
    if (socket === null || this.#closing) return;
    this.#closing = true;
    this.#waiting = socket.getBufferedAmount();
    if (code === ABNORMAL) {
      socket.close();
      return;
    }
    // 0 sends none.
    this.#code = code === NO_STATUS ? 0 : code;
    this.#reason = Uint8Array.from(reason);
    if (this.#waiting === 0) {
      socket.end(this.#code, this.#reason);
      return;
    }
    this.#closingSince = performance.now();
    this.#takenAt = this.#closingSince;
    this.#wheel.schedule(this, WEBSOCKET_CLOSE_STALL_MS);
  }

  /** The client has not yet taken all that came before the close. */
  fire(): void {
    const now = performance.now();
    const leftMs = Math.min(
      this.#takenAt + WEBSOCKET_CLOSE_STALL_MS - now,
      this.#closingSince + WEBSOCKET_CLOSE_MS - now,
    );
    if (leftMs > 0) this.#wheel.schedule(this, leftMs);
    else this.#socket?.close();
  }

  /** uWS answers pings while we wait: a flood of them would make what waits grow without a bound. */
  #checkShrinking(): void {
    const waiting = this.bufferedBytes;
    if (waiting > this.#waiting) this.#socket?.close();
    else this.#waiting = waiting;
  }

  #say(code: number, text: string): void {
    if (this.#tx.reason === '') this.#tx.reason = `closed with ${code}: ${text}`;
  }

  onDrain(): void {
    // Reading from a client cannot be held back in uWS: see WebSocketCall.
  }
}
