import { keyOfJwk, keyOfPem } from '../auth/verification-key.ts';
import type { Config, IssuerConfig } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import {
  type IssuerKeysNews,
  issuerSettings,
  type KeysWanted,
  type KeyVerdict,
  type PlainKey,
} from '../issuer-wire.ts';
import { FileIssuer, keysInFiles } from '../issuers/file-issuer.ts';
import { FETCH_FAILURES } from '../issuers/http-json.ts';
import type { IssuerLog } from '../issuers/issuer-state.ts';
import type { JudgeKey } from '../issuers/key-set.ts';
import { type FetchCounts, RemoteIssuer } from '../issuers/remote-issuer.ts';
import type { IssuerGauge } from '../telemetry/issuer-families.ts';
import { readIssuerAuthorities } from '../tls/authorities.ts';
import { readTlsFile } from '../tls/file.ts';

export interface IssuerKeeperOptions {
  readonly log: IssuerLog;
  /** For every ingress thread. */
  readonly onNews: (news: IssuerKeysNews) => void;
}

interface Entry {
  readonly name: string;
  readonly settings: string;
  readonly issuer: RemoteIssuer | FileIssuer;
}

/** How an issuer's keys are, for operators. No key is in it. */
export interface IssuerStatus {
  readonly issuer: string;
  readonly state: string;
  readonly keys: number;
  /** Seconds since the keys were had; null for never. */
  readonly ageSeconds: number | null;
  /** Why the last try brought none; '' where it did. */
  readonly problem: string;
}

/** Longest that a start or a reload waits for keys: without them the gateway serves all the same. */
const FIRST_MS = 500;
const TICK_MS = 100;

/**
 * The keys of all issuers: fetched or read once for all threads, and told to each. An issuer whose settings did not
 * change keeps its keys over a reload. Issuers with a shared secret have nothing to fetch: threads take it from the
 * configuration.
 *
 * Threads: main only.
 */
export class IssuerKeeper {
  readonly #options: IssuerKeeperOptions;
  /** By name and settings: during a reload those of the configuration before and of the next one. */
  readonly #entries = new Map<string, Entry>();
  /** By name, over all reloads. */
  readonly #fetches = new Map<string, FetchCounts>();
  #timer: NodeJS.Timeout | null = null;
  #versions = 0;

  constructor(options: IssuerKeeperOptions) {
    this.#options = options;
  }

  /**
   * Begins to fetch for a configuration that may come into force, beside the one that is, and waits for the first
   * answers, at most half a second. A provider that is down keeps nobody waiting longer.
   *
   * @throws  SallyportError SP_CONFIG for files without a key of use, and for authorities that cannot be read.
   */
  async prepare(config: Config): Promise<void> {
    const made = this.#make(config);
    for (const entry of made) this.#entries.set(idOf(entry), entry);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    this.#tick();
    await atMost(FIRST_MS, Promise.all(made.map(({ issuer }) => issuer.settled())));
  }

  /** This configuration is in force: what others fetch is dropped. */
  settle({ issuers }: Config): void {
    const kept = new Set(
      Object.entries(issuers).map(([name, issuer]) => idOf({ name, settings: issuerSettings(issuer) })),
    );
    for (const [id, { issuer }] of this.#entries) {
      if (kept.has(id)) continue;
      issuer.stop();
      this.#entries.delete(id);
    }
  }

  /** Everything a thread must know that begins now. */
  news(): IssuerKeysNews[] {
    return [...this.#entries.values()].map(({ issuer }) => issuer.news());
  }

  /** A thread misses a key. One that runs with a configuration of before is told by the next. */
  wanted({ issuer, settings }: KeysWanted): void {
    this.#entries.get(idOf({ name: issuer, settings }))?.issuer.want();
  }

  status(): IssuerStatus[] {
    const nowMs = performance.now();
    return this.#inOrder().map(({ name, issuer: { state } }) => ({
      issuer: name,
      state: state.condition,
      keys: state.keys.length,
      ageSeconds: Number.isFinite(state.goodAtMs) ? Math.round((nowMs - state.goodAtMs) / 1_000) : null,
      problem: state.problem,
    }));
  }

  /** For metrics. */
  gauges(): IssuerGauge[] {
    const nowMs = performance.now();
    return this.#inOrder().map(({ name, issuer: { state } }) => ({
      issuer: name,
      condition: state.condition,
      keys: state.keys.length,
      ageMs: Number.isFinite(state.goodAtMs) ? nowMs - state.goodAtMs : null,
      fetches: this.#countsOf(name),
    }));
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const { issuer } of this.#entries.values()) issuer.stop();
  }

  /** All or none: what is wrong with one issuer refuses the configuration. */
  #make({ issuers }: Config): Entry[] {
    const made: Entry[] = [];
    const trusts = Object.entries(issuers).map(([name, { keys }]) => readIssuerAuthorities(name, keys.ca));
    for (const [at, [name, config]] of Object.entries(issuers).entries()) {
      const authorities = trusts[at] ?? [];
      const settings = issuerSettings(config);
      const known = this.#entries.get(idOf({ name, settings }));
      // The file may hold others than before.
      if (known?.issuer instanceof RemoteIssuer) known.issuer.authorities = authorities;
      if (known !== undefined || config.keys.source === 'secret') continue;
      made.push({ name, settings, issuer: this.#open(name, settings, config, authorities) });
    }
    return made;
  }

  #open(
    name: string,
    settings: string,
    config: IssuerConfig,
    authorities: readonly string[],
  ): RemoteIssuer | FileIssuer {
    const { log, onNews } = this.#options;
    const nextVersion = (): number => {
      this.#versions += 1;
      return this.#versions;
    };
    const judge = judgeFor(config);
    const options = { name, settings, config, judge, log, onNews, nextVersion, clock: () => performance.now() };
    const { source, files } = config.keys;
    if (source === 'files') {
      const set = keysInFiles(files, files.map(readTlsFile), judge);
      if (set.kind === 'failed') {
        const remedy = 'name files with public keys, certificates or JWK sets';
        throw new SallyportError('SP_CONFIG', `issuers.${name}.keys.files: ${set.detail}: ${remedy}`);
      }
      return new FileIssuer({ ...options, read: readTlsFile });
    }
    const issuer = new RemoteIssuer({ ...options, fetches: this.#countsOf(name), random: Math.random });
    issuer.authorities = authorities;
    return issuer;
  }

  #tick(): void {
    for (const { issuer } of this.#entries.values()) issuer.tick();
  }

  #countsOf(name: string): FetchCounts {
    const counts =
      this.#fetches.get(name) ??
      (Object.fromEntries(['done', ...FETCH_FAILURES].map((result) => [result, 0])) as FetchCounts);
    this.#fetches.set(name, counts);
    return counts;
  }

  /** One for each name: the latest. */
  #inOrder(): Entry[] {
    return [...new Map([...this.#entries.values()].map((entry) => [entry.name, entry])).values()];
  }
}

/** Sound keys for other algorithms than the issuer's are no mistake; weak and broken ones are. */
function judgeFor({ algorithms }: IssuerConfig): JudgeKey {
  const options = { offloadMicros: Number.POSITIVE_INFINITY };
  const accepted: ReadonlySet<string> = new Set(algorithms);
  return (key: PlainKey): KeyVerdict => {
    const sound = typeof key === 'string' ? keyOfPem(key, options) : keyOfJwk(key, options);
    if (sound.kind !== 'key') return sound;
    const isOfUse = sound.key.algorithms.some((name) => accepted.has(name));
    return isOfUse ? { kind: 'key' } : { kind: 'skipped', reason: `it is for ${sound.key.algorithms.join(', ')}` };
  };
}

function idOf({ name, settings }: Pick<Entry, 'name' | 'settings'>): string {
  return `${name} ${settings}`;
}

async function atMost(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, patience]);
  clearTimeout(timer);
}
