import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import type { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import { KeyRing, type ThreadKeys } from '../../src/auth/key-ring.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { IssuerKeeper } from '../../src/gateway/issuer-keeper.ts';
import type { IssuerKeysNews, KeysWanted } from '../../src/issuer-wire.ts';
import { until } from './wait.ts';

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly problem?: string;
}

/** The main thread's keeper of issuers and the ring of one thread, joined by a message channel as in the gateway. */
export class IssuerStage {
  readonly lines: LoggedLine[] = [];
  readonly ring: KeyRing;
  readonly keeper: IssuerKeeper;
  /** Messages that the ring sent. */
  wanted = 0;
  /** And those that it got. */
  news = 0;
  config: Config;
  #keys: ThreadKeys | null = null;

  private constructor(t: Pick<TestContext, 'after'>, config: Config) {
    const { port1: main, port2: thread } = new MessageChannel();
    const note = (level: LoggedLine['level']) => (context: object, message: string) => {
      this.lines.push({ level, message, ...context });
    };
    const log = { info: note('info'), warn: note('warn'), error: note('error') };
    this.keeper = new IssuerKeeper({ log, onNews: (news) => main.postMessage(news) });
    this.ring = new KeyRing((wanted) => thread.postMessage(wanted));
    main.on('message', (wanted: KeysWanted) => {
      this.wanted += 1;
      this.keeper.wanted(wanted);
    });
    thread.on('message', (news: IssuerKeysNews) => {
      this.news += 1;
      this.ring.receive(news, Date.now());
    });
    t.after(() => {
      this.keeper.stop();
      this.ring.close();
      main.close();
    });
    this.config = config;
  }

  /** @param issuer  Settings of the issuer `main`, laid over `configOf`'s. */
  static async start(t: Pick<TestContext, 'after'>, issuer: object, keys: object = {}): Promise<IssuerStage> {
    const stage = new IssuerStage(t, configOf(issuer, keys));
    await stage.use(stage.config);
    return stage;
  }

  /** A boot or a reload. */
  async use(config: Config): Promise<void> {
    await this.keeper.prepare(config);
    this.#keys = this.ring.use(config, this.keeper.news(), Date.now());
    this.ring.settle(config);
    this.keeper.settle(config);
    this.config = config;
  }

  keys(): IssuerKeys {
    if (this.#keys === null) throw new Error('no configuration yet');
    return this.#keys.of('main');
  }

  /** Names of the keys that the thread has. */
  names(): string[] {
    return this.keys()
      .find(undefined)
      .map(({ kid }) => kid);
  }

  state(): string {
    return this.keeper.status()[0]?.state ?? '';
  }

  fetches(result: string): number {
    return this.keeper.gauges()[0]?.fetches[result] ?? 0;
  }

  /** Asks for a key as a request does, waiting as often as it is told to. @returns  Was it found? */
  async find(kid: string): Promise<boolean> {
    for (let times = 0; times < 4; times += 1) {
      const keys = this.keys();
      if (keys.state === 'ready' && keys.find(kid).length > 0) return true;
      const answer = keys.ask(kid, Date.now());
      if (answer === null || answer.kind === 'refused') return false;
      await new Promise<void>((resolve) => answer.wait(resolve));
    }
    return false;
  }

  /** The cool-down is over. */
  async cooled(): Promise<void> {
    await until('the cool-down to end', () => this.keeper.news()[0]?.coolForMs === 0);
    // The thread was told by the clock of its own, a little later.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A configuration with one issuer, `main`, whose keys are fetched once a minute at most 50 ms apart. */
export function configOf(issuer: object, keys: object = {}): Config {
  const row = {
    issuer: 'http://127.0.0.1:1',
    audiences: ['https://api.test'],
    keys: { refreshMs: 60_000, coolDownMs: 100, timeoutMs: 2_000, ...keys },
    ...issuer,
  };
  const document = {
    issuers: { main: row },
    upstreams: { up: { targets: [{ url: 'http://127.0.0.1:3000' }] } },
    routes: [{ name: 'all', upstream: 'up', policies: { auth: { issuers: ['main'] } } }],
  };
  return loadConfig({ text: JSON.stringify(document), env: {}, cwd: '/' }).config;
}

/** A provider of our own making, that answers as it is told. Counts requests by path. */
export class RawProvider {
  readonly url: string;
  readonly requests: string[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.end();

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(t: Pick<TestContext, 'after'>): Promise<RawProvider> {
    let provider: RawProvider | null = null;
    const server = createServer((request, response) => {
      provider?.requests.push(request.url ?? '');
      provider?.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    provider = new RawProvider((server.address() as AddressInfo).port);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return provider;
  }

  /** From now on it answers with this text. */
  says(body: string | Buffer, type = 'application/json', status = 200, fields: Record<string, string> = {}): void {
    this.answer = (_request, response) => {
      response.writeHead(status, { 'Content-Type': type, ...fields });
      response.end(body);
    };
  }
}
