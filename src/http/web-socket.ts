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
    for (const client of [...this.#open]) client.close(GOING_AWAY, NO_BYTES);
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
      ping: (socket, payload) => socket.getUserData().client.upstream.ping(new Uint8Array(payload)),
      pong: (socket, payload) => socket.getUserData().client.upstream.pong(new Uint8Array(payload)),
      drain: (socket) => socket.getUserData().client.upstream.onDrain(),
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
    return (down: HttpDownstream, tx: Transaction): WebSocketOffer | null => {
      if (version !== '13' || !KEY.test(key)) return null;
      return {
        protocols,
        accept(protocol, upstream) {
          if (!down.leaveTo101()) return null;
          tx.status = 101;
          const client = new ClientEnd(upstream);
          res.cork(() => res.upgrade<SocketData>({ client }, key, protocol, '', context));
          return client;
        },
      };
    };
  }
}

/** The client's end. `#socket` is null before uWS opened it and after it closed: uWS throws when touched then. */
class ClientEnd implements WebSocketEnd {
  readonly upstream: WebSocketEnd;
  #socket: WebSocket<SocketData> | null = null;
  #closing = false;

  constructor(upstream: WebSocketEnd) {
    this.upstream = upstream;
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  opened(socket: WebSocket<SocketData>): void {
    this.#socket = socket;
  }

  received(message: Uint8Array, isBinary: boolean): void {
    if (!this.#closing) this.upstream.send(message, isBinary);
  }

  closed(code: number, reason: Uint8Array): void {
    this.#socket = null;
    this.upstream.close(code, reason);
  }

  send(message: Uint8Array, isBinary: boolean): void {
    this.#socket?.send(message, isBinary, false);
  }

  ping(payload: Uint8Array): void {
    this.#socket?.ping(payload);
  }

  /** uWS answers a client's pings by itself. */
  pong(): void {}

  close(code: number, reason: Uint8Array): void {
    const socket = this.#socket;
    if (socket === null || this.#closing) return;
    this.#closing = true;
    if (code === ABNORMAL) socket.close();
    else if (code === NO_STATUS) socket.end();
    else socket.end(code, reason);
  }

  onDrain(): void {
    // Reading from a client cannot be held back in uWS: see WebSocketCall.
  }
}
