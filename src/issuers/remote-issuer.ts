import type { IssuerConfig } from '../config/schema.ts';
import type { IssuerKeysNews } from '../issuer-wire.ts';
import { keySetUrl, metadataUrl } from './discovery.ts';
import { type Failed, type FetchFailure, failed, fetchJson, type JsonText } from './http-json.ts';
import { IssuerState, type StateOptions } from './issuer-state.ts';
import { type JudgeKey, type KeySet, readKeySet } from './key-set.ts';

export type FetchCounts = Record<'done' | FetchFailure, number>;

export interface RemoteIssuerOptions extends StateOptions {
  readonly config: IssuerConfig;
  /** Fetches by how they ended; counted on. */
  readonly fetches: FetchCounts;
  readonly judge: JudgeKey;
  /** A fetch has ended, or keys have become too old. */
  readonly onNews: (news: IssuerKeysNews) => void;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A discovery document is read again after so long, and whenever keys could not be fetched where it led. */
const METADATA_MS = 3_600_000;
/** Tries after failures are at most so far apart. */
const RETRY_MS_MAX = 60_000;
/** A refresh comes up to this share of its time early, so that many gateways do not come at once. */
const JITTER = 0.1;
const HINT = 'see that the provider answers, and what the problem says';

/**
 * The keys of one issuer, fetched over HTTP: in the background every `refreshMs`, and earlier when a thread wants a key
 * that is not there. One fetch at a time; at least `coolDownMs` between the beginnings of two, whoever asks, so that
 * made-up names of keys cost the provider nothing more. A fetch is one request, or two when the discovery document must
 * be read as well.
 *
 * Threads: main. `tick` is called every 100 ms or so.
 */
export class RemoteIssuer {
  readonly #options: RemoteIssuerOptions;
  readonly state: IssuerState;
  readonly #stopping = new AbortController();
  /** PEM certificates of `keys.ca`; none for the system's. */
  authorities: readonly string[] = [];
  #running: Promise<void> | null = null;
  #isWanted = false;
  /** By the wall clock, which threads share: of the fetch under way or the last, and of the last that ended. */
  #wallBeganAtMs = 0;
  #endedBeganAtMs = 0;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  /** When the next one is due though nobody asks. */
  #dueAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #keysUrl: URL | null = null;
  #metadataAtMs = Number.NEGATIVE_INFINITY;
  /** What the last set was made of: the same text has the same keys. */
  #former: { readonly text: string; readonly set: KeySet } | null = null;

  constructor(options: RemoteIssuerOptions) {
    this.#options = options;
    this.state = new IssuerState(options);
  }

  /** Begins a fetch when one is due; gives up keys that are too old. */
  tick(): void {
    const nowMs = this.#options.clock();
    if (this.#failures > 0 && this.state.condition === 'stale' && nowMs >= this.#staleUntilMs()) {
      this.state.expire(HINT);
      this.#tell();
    }
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    if (this.#coolForMs(nowMs) > 0 || (!this.#isWanted && nowMs < this.#dueAtMs)) return;
    this.#begin(nowMs);
  }

  /** A thread misses a key. News follow when the next fetch has ended, which begins as soon as it may. */
  want(): void {
    this.#isWanted = this.#running === null;
    this.tick();
  }

  /** The fetch under way, or nothing. Never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  news(): IssuerKeysNews {
    return this.state.news(this.#coolForMs(this.#options.clock()), this.#endedBeganAtMs);
  }

  /** Ends the fetch under way. There are no more news. */
  stop(): void {
    this.#stopping.abort();
  }

  #begin(nowMs: number): void {
    this.#beganAtMs = nowMs;
    this.#wallBeganAtMs = Date.now();
    this.#isWanted = false;
    this.#running = this.#fetch()
      // A bug here must not end the process, nor go by in silence.
      .catch((error: unknown) => failed('content', error instanceof Error ? error.message : String(error)))
      .then((outcome) => {
        this.#running = null;
        if (!this.#stopping.signal.aborted) this.#finish(outcome);
      });
  }

  #finish(outcome: KeySet | Failed): void {
    const nowMs = this.#options.clock();
    this.#endedBeganAtMs = this.#wallBeganAtMs;
    const { refreshMs, coolDownMs } = this.#options.config.keys;
    if (outcome.kind === 'keys') {
      this.#options.fetches.done += 1;
      this.#failures = 0;
      this.#dueAtMs = this.#beganAtMs + refreshMs * (1 - JITTER * this.#options.random());
      this.state.succeed(outcome, nowMs);
    } else {
      this.#options.fetches[outcome.reason] += 1;
      this.#failures += 1;
      const waitMs = Math.min(coolDownMs * 2 ** Math.min(this.#failures - 1, 16), RETRY_MS_MAX);
      this.#dueAtMs = this.#beganAtMs + Math.max(waitMs, coolDownMs) * (1 + JITTER * this.#options.random());
      this.state.fail(outcome.detail, HINT);
      if (nowMs >= this.#staleUntilMs()) this.state.expire(HINT);
    }
    this.#tell();
  }

  async #fetch(): Promise<KeySet | Failed> {
    const url = await this.#locate();
    if (url instanceof URL) {
      const answer = await this.#get(url);
      const set = answer.kind === 'text' ? this.#read(answer.text) : answer;
      // Keys may have moved: the next try asks where they are.
      if (set.kind === 'failed') this.#keysUrl = null;
      return set;
    }
    return url;
  }

  async #locate(): Promise<URL | Failed> {
    const { config, clock } = this.#options;
    if (config.keys.source === 'jwks') return new URL(config.keys.url);
    const nowMs = clock();
    if (this.#keysUrl !== null && nowMs - this.#metadataAtMs < METADATA_MS) return this.#keysUrl;
    const origins = { issuer: config.issuer, url: config.keys.url, hosts: config.keys.hosts };
    const answer = await this.#get(metadataUrl(origins));
    if (answer.kind === 'failed') return answer;
    const url = keySetUrl(answer.text, origins);
    if (!(url instanceof URL)) return url;
    this.#keysUrl = url;
    this.#metadataAtMs = nowMs;
    return url;
  }

  #read(text: string): KeySet | Failed {
    if (this.#former?.text === text) return this.#former.set;
    const set = readKeySet(text, this.#options.judge);
    if (set.kind === 'keys') this.#former = { text, set };
    return set;
  }

  #get(url: URL): Promise<JsonText | Failed> {
    const { timeoutMs } = this.#options.config.keys;
    return fetchJson(url, { authorities: this.authorities, timeoutMs, signal: this.#stopping.signal });
  }

  #tell(): void {
    this.#options.onNews(this.news());
  }

  #coolForMs(nowMs: number): number {
    return Math.max(0, this.#beganAtMs + this.#options.config.keys.coolDownMs - nowMs);
  }

  /** Keys are as good as new until a refresh was due; from then on they are stale. */
  #staleUntilMs(): number {
    const { refreshMs, staleMsMax } = this.#options.config.keys;
    return this.state.goodAtMs + refreshMs + staleMsMax;
  }
}
