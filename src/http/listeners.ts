import { longestMessage } from '../config/reload.ts';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { TlsMaterial } from '../tls/snapshot.ts';
import type { Front, ListenerKind } from './front.ts';
import { closeWhenQuiet } from './quiet-close.ts';
import { TlsListener } from './tls-listener.ts';
import { type ListenSocket, loadUws, type TemplatedApp, type Uws } from './uws.ts';
import { WebSockets } from './web-socket.ts';

/**
 * The listening addresses of one thread. All threads listen on the same ones (SO_REUSEPORT): the kernel spreads the
 * connections, and a second process may take over while this one drains.
 *
 * Threads: one.
 */
export class Listeners {
  readonly #uws: Uws = loadUws();
  readonly #config: Config;
  readonly #front: Front;
  readonly #webSockets: WebSockets;
  readonly #plain: TemplatedApp | null;
  readonly #secure: TlsListener | null;
  #material: TlsMaterial | null;
  #socket: ListenSocket | null = null;
  #accepting = false;
  #closed = false;
  readonly #closing = new Set<() => void>();

  /** @param onWebSockets  Told of every WebSocket that opens (+1) or closes (-1). */
  constructor(front: Front, config: Config, material: TlsMaterial | null, onWebSockets: (delta: number) => void) {
    this.#front = front;
    this.#webSockets = new WebSockets(front, longestMessage(config), onWebSockets);
    this.#config = config;
    this.#material = material;
    const { http, https, host } = config.listen;
    this.#plain =
      http.port === 0 ? null : this.#configure(this.#uws.App(), { secure: false, proxyProtocol: http.proxyProtocol });
    this.#secure =
      https.port === 0
        ? null
        : new TlsListener({
            host,
            port: https.port,
            configure: (app) => {
              this.#configure(app, { secure: true, proxyProtocol: https.proxyProtocol });
            },
          });
  }

  get webSockets(): number {
    return this.#webSockets.open;
  }

  /** Opens or closes the listening sockets; connections that stand are not touched. */
  accept(accepting: boolean): void {
    if (this.#closed || accepting === this.#accepting) return;
    this.#accepting = accepting;
    if (!accepting) {
      this.#closePlain();
      this.#secure?.closeListener();
      return;
    }
    if (this.#plain !== null) this.#socket = this.#listen(this.#plain, this.#config.listen.http.port);
    if (this.#material !== null) this.#secure?.apply(this.#material);
  }

  rotate(material: TlsMaterial): void {
    this.#material = material;
    if (this.#accepting) this.#secure?.apply(material);
  }

  closeWebSockets(): void {
    this.#webSockets.closeAll();
  }

  /** Ends everything at once. */
  close(): void {
    if (this.#closed) return;
    this.accept(false);
    this.#closed = true;
    for (const closeNow of [...this.#closing]) closeNow();
    this.#plain?.close();
    this.#secure?.close();
  }

  /** At a quiet moment: see `closeWhenQuiet`. */
  #closePlain(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    const closeNow = closeWhenQuiet(() => {
      this.#closing.delete(closeNow);
      this.#uws.us_listen_socket_close(socket);
    });
    this.#closing.add(closeNow);
  }

  #configure(app: TemplatedApp, kind: ListenerKind): TemplatedApp {
    return app.ws('/*', this.#webSockets.behavior(kind)).any('/*', this.#front.handler(kind));
  }

  #listen(app: TemplatedApp, port: number): ListenSocket {
    const { host } = this.#config.listen;
    let opened: ListenSocket | false = false;
    app.listen(host, port, (socket) => {
      opened = socket;
    });
    if (opened === false) {
      throw new SallyportError(
        'SP_LISTEN',
        `listen.http.port ${port} on ${host} cannot be opened: another program has it, or it needs more rights; ` +
          'choose another port (SALLYPORT_HTTP_PORT) or stop the other program',
      );
    }
    return opened;
  }
}
