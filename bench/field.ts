import { availableParallelism } from 'node:os';
import type { Case } from './cases.ts';
import type { Duties, Duty } from './duties.ts';
import { lacksOf, type Peer, type PeerSetup } from './peers/peer.ts';
import { sallyport } from './peers/sallyport.ts';
import { hasBodies } from './requests.ts';
import type { RuleSetFiles } from './rule-set.ts';
import { freePort, type Launch, Server } from './servers.ts';
import { Upstream } from './upstream.ts';
import type { Workspace } from './workspace.ts';

/** Sallyport without the duties of the case, beside the one with them. */
export const PLAIN_SALLYPORT = 'sallyport-plain';

/** A proxy that runs. */
export interface Contender {
  /** Name in the results: the peer's, or PLAIN_SALLYPORT. */
  readonly name: string;
  readonly peer: Peer;
  readonly server: Server;
  readonly duties: Duties;
  /** Duties of the case that it was not given. */
  readonly lacks: readonly Duty[];
  readonly adminPort: number;
  /** Answers through it so far. */
  answered: number;
}

export interface FieldOptions {
  readonly peers: readonly Peer[];
  readonly ruleSet: RuleSetFiles | null;
  readonly workspace: Workspace;
  /** Of one address, to each proxy. */
  readonly requestsAllowed: number;
}

/** Upstream and proxies of a case, from its start to its end. */
export class Field {
  readonly upstream: Upstream;
  readonly contenders: readonly Contender[];
  readonly #one: Case;
  readonly #options: FieldOptions;

  private constructor(one: Case, options: FieldOptions, upstream: Upstream, contenders: readonly Contender[]) {
    this.#one = one;
    this.#options = options;
    this.upstream = upstream;
    this.contenders = contenders;
  }

  /** @throws ServerError when a server does not start. */
  static async start(one: Case, options: FieldOptions): Promise<Field> {
    const { workspace } = options;
    const upstream = await Upstream.start(await freePort(), workspace.folder('upstream'), hasBodies(one.load));
    const contenders: Contender[] = [];
    const field = new Field(one, options, upstream, contenders);
    try {
      for (const peer of options.peers) contenders.push(await field.launch(peer));
      if (one.adds && options.peers.includes(sallyport)) {
        contenders.push(await field.launch(sallyport, { name: PLAIN_SALLYPORT, duties: [] }));
      }
    } catch (error) {
      await field.stop();
      throw error;
    }
    return field;
  }

  /**
   * Starts one more proxy before the same upstream; whoever asks for it stops it.
   *
   * @param change  Turns the peer's own way of starting into another one.
   */
  async launch(
    peer: Peer,
    { name = peer.name, duties = this.#one.duties }: { readonly name?: string; readonly duties?: Duties } = {},
    change: (launch: Launch) => Launch = (launch) => launch,
  ): Promise<Contender> {
    const lacks = lacksOf(peer, duties);
    const own = duties.filter((duty) => !lacks.includes(duty));
    const port = await freePort();
    const adminPort = own.includes('metrics') ? await freePort() : 0;
    const launch = change(peer.launch(this.#setup(own, port, adminPort)));
    const server = await Server.start(name, port, this.#options.workspace.folder(name), launch);
    return { name, peer, server, duties: own, lacks, adminPort, answered: 0 };
  }

  #setup(duties: Duties, port: number, adminPort: number): PeerSetup {
    const { tls, threads, routes } = this.#one;
    const { workspace, ruleSet, requestsAllowed } = this.#options;
    return {
      port,
      upstreamPort: this.upstream.server.port,
      adminPort,
      threads: threadsOf(threads),
      duties,
      tls: tls ? workspace.certificate() : null,
      ruleSet: duties.includes('rules') ? ruleSet : null,
      credentials: workspace.credentials(),
      requestsAllowed,
      routes,
    };
  }

  async stop(): Promise<void> {
    for (const { server } of this.contenders.toReversed()) await server.stop();
    await this.upstream.server.stop();
  }
}

export function threadsOf(threads: Case['threads']): number {
  return threads === 'one' ? 1 : availableParallelism();
}
