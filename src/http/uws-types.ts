/** The part of uWebSockets.js that Sallyport uses, as its builds behave (20.30 and 20.57), not as their typings say. */

/** What uWS takes for text or bytes. A string leaves as UTF-8: pass upstream bytes as a view. */
export type Bytes = string | ArrayBuffer | Uint8Array;

/** Opaque native handles: only ever passed back. */
export interface ListenSocket {
  readonly __listenSocket: never;
}
export interface SocketContext {
  readonly __socketContext: never;
}

/** Valid only until the handler returns; any later call throws. */
export interface HttpRequest {
  /** '' when absent; the first one when repeated. Bytes beyond ASCII are decoded as UTF-8. */
  getHeader(lowerCaseName: string): string;
  /** Target without the query, still encoded. */
  getUrl(): string;
  /** Without `?`; '' (20.30) or undefined (20.57) for none. */
  getQuery(): string | undefined;
  /** Lower case. */
  getMethod(): string;
  getCaseSensitiveMethod(): string;
  /** Lower-case names in order of arrival, duplicates included. */
  forEach(callback: (name: string, value: string) => void): void;
  setYield(yields: boolean): HttpRequest;
}

/** Any call after `onAborted` fired, or after a final `end`, throws. */
export interface HttpResponse {
  /** Status line text such as `404 Not Found`. */
  writeStatus(status: Bytes): HttpResponse;
  /** CR and LF are not checked: validate before. */
  writeHeader(name: Bytes, value: Bytes): HttpResponse;
  /** Chunked. @returns false when bytes wait in uWS. */
  write(chunk: Bytes): boolean;
  end(body?: Bytes, closeConnection?: boolean): HttpResponse;
  endWithoutBody(reportedContentLength?: number, closeConnection?: boolean): HttpResponse;
  /** @returns [all taken, answer complete]. Nothing is kept: offer the rest again from `getWriteOffset`. */
  tryEnd(chunk: Bytes, totalSize: number): [boolean, boolean];
  /** Closes the connection without completing the answer. */
  close(): HttpResponse;
  getWriteOffset(): number;
  /** @param handler  Returns true when it wrote all it had. */
  onWritable(handler: (offset: number) => boolean): HttpResponse;
  onAborted(handler: () => void): HttpResponse;
  /** The chunk is detached when the handler returns. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): HttpResponse;
  /** 4 or 16 bytes. */
  getRemoteAddress(): ArrayBuffer;
  getRemoteAddressAsText(): ArrayBuffer;
  /** From a PROXY protocol v2 header; empty without one. */
  getProxiedRemoteAddress(): ArrayBuffer;
  getProxiedRemoteAddressAsText(): ArrayBuffer;
  cork(callback: () => void): HttpResponse;
  upgrade<UserData>(userData: UserData, key: Bytes, protocol: Bytes, extensions: Bytes, context: SocketContext): void;
  pause(): void;
  resume(): void;
}

/** Any call after `close` fired throws. */
export interface WebSocket<UserData> {
  /** @returns 1 sent, 0 waits in uWS, 2 dropped because of `maxBackpressure`. */
  send(message: Bytes, isBinary?: boolean, compress?: boolean): number;
  getBufferedAmount(): number;
  end(code?: number, shortMessage?: Bytes): void;
  /** Without a close frame. */
  close(): void;
  ping(message?: Bytes): number;
  cork(callback: () => void): WebSocket<UserData>;
  getRemoteAddress(): ArrayBuffer;
  getRemoteAddressAsText(): ArrayBuffer;
  getUserData(): UserData;
}

export interface WebSocketBehavior<UserData> {
  maxPayloadLength?: number;
  closeOnBackpressureLimit?: boolean | number;
  /** Minutes; 0 for none. */
  maxLifetime?: number;
  /** Seconds: 0, or 8 to 960. Anything else ends the process. */
  idleTimeout?: number;
  compression?: number;
  maxBackpressure?: number;
  sendPingsAutomatically?: boolean;
  upgrade?: (response: HttpResponse, request: HttpRequest, context: SocketContext) => void;
  open?: (socket: WebSocket<UserData>) => void;
  /** The bytes are detached when the handler returns; so in `ping`, `pong`, `close`. */
  message?: (socket: WebSocket<UserData>, message: ArrayBuffer, isBinary: boolean) => void;
  dropped?: (socket: WebSocket<UserData>, message: ArrayBuffer, isBinary: boolean) => void;
  drain?: (socket: WebSocket<UserData>) => void;
  close?: (socket: WebSocket<UserData>, code: number, message: ArrayBuffer) => void;
  ping?: (socket: WebSocket<UserData>, message: ArrayBuffer) => void;
  pong?: (socket: WebSocket<UserData>, message: ArrayBuffer) => void;
}

export interface AppOptions {
  key_file_name?: string;
  cert_file_name?: string;
  ca_file_name?: string;
  passphrase?: string;
  /** OpenSSL cipher list. There is no option for the oldest version: see src/http/tls-listener.ts. */
  ssl_ciphers?: string;
  ssl_prefer_low_memory_usage?: boolean;
}

export type Handler = (response: HttpResponse, request: HttpRequest) => void;
export type Listening = (socket: ListenSocket | false) => void;

export interface TemplatedApp {
  get(pattern: string, handler: Handler): TemplatedApp;
  any(pattern: string, handler: Handler): TemplatedApp;
  ws<UserData>(pattern: string, behavior: WebSocketBehavior<UserData>): TemplatedApp;
  /** Calls back before it returns. Options: 0, or LIBUS_LISTEN_EXCLUSIVE_PORT to leave SO_REUSEPORT out. */
  listen(host: string, port: number, options: number, callback: Listening): TemplatedApp;
  listen(host: string, port: number, callback: Listening): TemplatedApp;
  /** Closes the listen sockets and cuts every connection. */
  close(): TemplatedApp;
  addServerName(pattern: string, options: AppOptions): TemplatedApp;
  /** Frees the name's routes while its open connections still point at them: never call it with any. */
  removeServerName(pattern: string): TemplatedApp;
  missingServerName(callback: (name: string) => void): TemplatedApp;
  /** Routes added from here on are for connections of that server name; '' for the rest. */
  domain(pattern: string): TemplatedApp;
  /** 20.57 only: hand accepted connections to another App of the same kind. */
  getDescriptor?(): unknown;
  addChildAppDescriptor?(descriptor: unknown): TemplatedApp;
  removeChildAppDescriptor?(descriptor: unknown): TemplatedApp;
}

export interface UwsModule {
  App(options?: AppOptions): TemplatedApp;
  SSLApp(options: AppOptions): TemplatedApp;
  us_listen_socket_close(socket: ListenSocket): void;
  us_socket_local_port(socket: ListenSocket): number;
  _cfg(key: string): void;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  readonly DISABLED: number;
  readonly SHARED_COMPRESSOR: number;
}
