import type { Executor, Observed } from './executor.ts';
import type { Probe } from './stage.ts';
import { wireExchange } from './wire-exchange.ts';

/** What a server's log says of one request. */
export interface LoggedRequest {
  readonly ids: readonly number[];
  readonly lines: readonly string[];
}

/** A server with a rule engine, and its log. */
export interface LoggingServer {
  readonly name: string;
  readonly port: number;
  /**
   * What the server logged for requests from an address, phase 5 included: asked once, when the answer is in.
   * @returns  Nothing found is an empty list: malformed requests never reach the engine.
   */
  logged(clientAddress: string): Promise<LoggedRequest>;
  close(): Promise<void>;
}

/** Puts requests to a server over sockets, each from a client address of its own, by which its log is found. */
export class SocketExecutor implements Executor {
  readonly name: string;
  readonly #server: LoggingServer;
  readonly #block: number;
  #count = 0;

  /** @param block  0 to 126: executors that share a server must differ in it. */
  constructor(server: LoggingServer, block = 0) {
    this.name = server.name;
    this.#server = server;
    this.#block = block;
  }

  async run(probe: Probe): Promise<Observed> {
    const address = this.#nextAddress();
    const answer = await wireExchange(this.#server.port, address, probe.bytes);
    return { ...answer, ...(await this.#server.logged(address)) };
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** 127/8 without its first and last 2 million addresses, which others may use. */
  #nextAddress(): string {
    const at = this.#count;
    this.#count = (at + 1) % (254 * 254 * 2);
    const second = 64 + ((this.#block * 2 + Math.floor(at / (254 * 254))) % 128);
    return `127.${second}.${1 + (Math.floor(at / 254) % 254)}.${1 + (at % 254)}`;
  }
}
