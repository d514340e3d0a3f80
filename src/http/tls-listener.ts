import { accessSync, constants } from 'node:fs';
import { SallyportError } from '../errors.ts';
import { TLS_GENERATIONS_MAX } from '../limits.ts';
import type { TlsCertificate, TlsMaterial } from '../tls/snapshot.ts';
import { closeWhenQuiet } from './quiet-close.ts';
import { type AppOptions, type ListenSocket, loadUws, type TemplatedApp, type Uws } from './uws.ts';

export interface TlsListenerOptions {
  readonly host: string;
  /** 0 picks a free one, for tests. */
  readonly port: number;
  /** Adds the routes, WebSocket ones too. Called for each server name of each change, always with the same meaning. */
  readonly configure: (app: TemplatedApp) => void;
}

/**
 * The HTTPS listener of one ingress thread; any number of threads share a port (SO_REUSEPORT).
 *
 * New certificates go into a new SSLApp, a generation; connections of older ones live on until they end by themselves.
 * Names are never taken out of a living App: uWebSockets.js would free routes that open connections still point at.
 *
 * How new connections reach the new generation depends on the build. 20.57: one App keeps the listen socket for ever
 * and hands each accepted connection to the current generation, so none can be lost. 20.30 cannot hand over: the new
 * generation listens on the same port, then the old listen socket is closed at a quiet moment; see `closeWhenQuiet`.
 *
 * Threads: one instance per ingress thread, used by that thread only. Closes itself on the thread's `exit` event, since
 *          a thread that ends with open sockets of uWebSockets.js aborts the process. `Worker.terminate` skips that
 *          event: have the thread close first.
 * Source:  docs/tls.md has what was measured.
 */
export class TlsListener {
  readonly #uws: Uws = loadUws();
  readonly #options: TlsListenerOptions;
  #port: number;
  /** Oldest first; the last one is current. */
  readonly #generations: TemplatedApp[] = [];
  /** 20.57: the App that listens and hands over. */
  #acceptor: TemplatedApp | undefined;
  #descriptor: unknown;
  #listening: ListenSocket | undefined;
  readonly #closing = new Set<() => void>();
  #closed = false;
  readonly #onExit = () => this.close();

  constructor(options: TlsListenerOptions) {
    this.#options = options;
    this.#port = options.port;
    process.once('exit', this.#onExit);
  }

  /** The port listened on. */
  get port(): number {
    return this.#port;
  }

  /** False while a replaced or closed listen socket may still take connections: some milliseconds after a change. */
  get settled(): boolean {
    return this.#closing.size === 0;
  }

  /**
   * Serves new connections with these certificates: the first call listens, later ones change them.
   *
   * @param material  Its files must stay until this returned in every thread.
   * @throws  SallyportError SP_TLS_MATERIAL when the TLS library refuses them, SP_LISTEN when the address cannot be
   *          opened. What was served before still is.
   */
  apply(material: TlsMaterial): void {
    if (this.#closed) return;
    const app = this.#build(material);
    try {
      if (app.addChildAppDescriptor === undefined) this.#relisten(app);
      else this.#handOver(app, material);
    } catch (error) {
      app.close();
      throw error;
    }
    this.#generations.push(app);
    if (this.#generations.length > TLS_GENERATIONS_MAX) this.#generations.shift()?.close();
  }

  /**
   * Takes no more connections; open ones live on. Those the kernel holds for us are served first, as far as possible.
   */
  closeListener(): void {
    const old = this.#listening;
    this.#listening = undefined;
    if (old !== undefined) this.#closeQuietly(old);
  }

  /** Closes everything at once, open connections too. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.removeListener('exit', this.#onExit);
    for (const closeNow of this.#closing) closeNow();
    if (this.#listening !== undefined) this.#uws.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
    this.#acceptor?.close();
    for (const app of this.#generations) app.close();
    this.#generations.length = 0;
  }

  #build(material: TlsMaterial): TemplatedApp {
    const [first, ...others] = material.certificates;
    if (first === undefined) throw new SallyportError('SP_TLS_MATERIAL', 'There is no certificate to listen with.');
    const app = this.#sslApp(first, material);
    this.#options.configure(app);
    const addNames = (certificate: TlsCertificate, names: readonly string[]) => {
      for (const name of names) this.#addName(app, name, appOptions(certificate, material.minVersion));
    };
    for (const certificate of others) {
      // uWebSockets.js ends the process on a bad file in addServerName, but says so in a constructor: ask there first.
      this.#sslApp(certificate, material).close();
      addNames(certificate, certificate.names);
    }
    // The first one answers for every unclaimed name, but a wildcard of another must not take its exact names away.
    const wildcards = new Set(others.flatMap(({ names }) => names.filter((name) => name.startsWith('*.'))));
    addNames(
      first,
      first.names.filter((name) => wildcards.has(`*${name.slice(name.indexOf('.'))}`)),
    );
    return app;
  }

  #addName(app: TemplatedApp, name: string, options: AppOptions): void {
    for (const file of [options.cert_file_name, options.key_file_name]) accessSync(file ?? '', constants.R_OK);
    app.addServerName(name, options);
    // Requests that come in under a server name are looked up in routes of their own.
    app.domain(name);
    this.#options.configure(app);
  }

  #sslApp(certificate: TlsCertificate, { minVersion, generation }: TlsMaterial): TemplatedApp {
    try {
      return this.#uws.SSLApp(appOptions(certificate, minVersion));
    } catch (error) {
      const names = certificate.names.join(', ') || 'no names';
      throw new SallyportError(
        'SP_TLS_MATERIAL',
        `The TLS library refused the certificate for ${names} (fingerprint ${certificate.fingerprint}): try another key type.`,
        { generation, fingerprint: certificate.fingerprint },
        { cause: error },
      );
    }
  }

  #handOver(app: TemplatedApp, material: TlsMaterial): void {
    const descriptor = app.getDescriptor?.();
    if (this.#acceptor === undefined) {
      const first = material.certificates[0];
      if (first === undefined) return;
      const acceptor = this.#sslApp(first, material);
      acceptor.addChildAppDescriptor?.(descriptor);
      this.#listening = this.#listen(acceptor);
      this.#acceptor = acceptor;
    } else {
      // In this order there is always one to hand over to; without any the acceptor would serve, without routes.
      this.#acceptor.addChildAppDescriptor?.(descriptor);
      this.#acceptor.removeChildAppDescriptor?.(this.#descriptor);
    }
    this.#descriptor = descriptor;
  }

  #relisten(app: TemplatedApp): void {
    const isFirst = this.#generations.length === 0;
    // After closeListener nobody is taken any more, so there is nothing to change.
    if (!isFirst && this.#listening === undefined) return;
    const old = this.#listening;
    this.#listening = this.#listen(app);
    if (old !== undefined) this.#closeQuietly(old);
  }

  #closeQuietly(socket: ListenSocket): void {
    const closeNow = closeWhenQuiet(() => {
      this.#closing.delete(closeNow);
      this.#uws.us_listen_socket_close(socket);
    });
    this.#closing.add(closeNow);
  }

  #listen(app: TemplatedApp): ListenSocket {
    // Port 0 is bound without SO_REUSEPORT, so a second socket could not join: find a free port, then ask for it.
    if (this.#port === 0) {
      const probe = this.#open(app, 0);
      this.#port = this.#uws.us_socket_local_port(probe);
      this.#uws.us_listen_socket_close(probe);
    }
    return this.#open(app, this.#port);
  }

  #open(app: TemplatedApp, port: number): ListenSocket {
    const { host } = this.#options;
    let opened = false as ListenSocket | false;
    app.listen(host, port, (socket) => {
      opened = socket;
    });
    if (opened !== false) return opened;
    throw new SallyportError(
      'SP_LISTEN',
      `HTTPS cannot listen on ${host} port ${port}: it is in use, is not an address of this machine, or needs privileges ` +
        '(ports below 1024). Change listen.host or listen.https.port, or stop who holds it.',
      { host, port },
    );
  }
}

/**
 * uSockets offers no TLS version below 1.2. It has no option for 1.3 either, but BoringSSL's cipher list is about 1.2
 * alone, and `PSK` names suites that need a shared key which nobody has: what is left is 1.3.
 */
const CIPHERS: Readonly<Record<TlsMaterial['minVersion'], string>> = {
  '1.3': 'PSK',
  // Forward secrecy and authenticated encryption only (RFC 9325 4.2), so nothing that renegotiation or padding could
  // break.
  '1.2':
    'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
    'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
};

function appOptions(certificate: TlsCertificate, minVersion: TlsMaterial['minVersion']): AppOptions {
  return {
    cert_file_name: certificate.certificateFile,
    key_file_name: certificate.keyFile,
    ssl_ciphers: CIPHERS[minVersion],
  };
}
