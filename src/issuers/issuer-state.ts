import type { IssuerKeysNews, PlainKey } from '../issuer-wire.ts';
import type { KeySet } from './key-set.ts';

/** Where state of issuers is told of; looked up each time, since a reload replaces the log. */
export interface IssuerLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

export interface StateOptions {
  /** Name in the configuration. */
  readonly name: string;
  /** `issuerSettings` of it. */
  readonly settings: string;
  /** Gives the next version; never the same twice in a process. */
  readonly nextVersion: () => number;
  readonly log: IssuerLog;
}

/** How the keys of an issuer are, for operators. */
export type IssuerCondition =
  /** No fetch has ended yet. */
  | 'starting'
  | 'ready'
  /** Keys of before are used, since they could not be fetched anew. */
  | 'stale'
  /** No keys: its routes answer 503. */
  | 'unavailable';

/** Log lines name so many keys. */
const KEY_NAMES_LOGGED_MAX = 10;

/**
 * Keys of one issuer and how they are. Says so in the log when that changes, and not at each try.
 *
 * Threads: main.
 */
export class IssuerState {
  readonly #options: StateOptions;
  condition: IssuerCondition = 'starting';
  keys: readonly PlainKey[] = [];
  /** Why the last try brought nothing; '' where it brought keys. */
  problem = '';
  /** Clock of the last success, monotonic milliseconds; -Infinity for none. */
  goodAtMs = Number.NEGATIVE_INFINITY;
  /** Changes with `state` or keys of the news. */
  #version: number;
  #notes = '';

  constructor(options: StateOptions) {
    this.#options = options;
    this.#version = options.nextVersion();
  }

  /** Keys came. */
  succeed({ keys, notes }: KeySet, nowMs: number): void {
    const { name, log, nextVersion } = this.#options;
    const told = notes.join('; ');
    if (told !== '' && told !== this.#notes) {
      log.warn({ issuer: name, notes }, 'keys of an issuer were left out; the provider should not publish such');
    }
    this.#notes = told;
    const isChanged = JSON.stringify(keys) !== JSON.stringify(this.keys);
    if (isChanged) this.#version = nextVersion();
    const facts = { issuer: name, keys: keys.length, keyIds: keyIdsOf(keys) };
    if (this.condition === 'stale' || this.condition === 'unavailable') log.info(facts, 'keys of an issuer are back');
    else if (isChanged) log.info(facts, 'keys of an issuer are new');
    this.keys = keys;
    this.condition = 'ready';
    this.problem = '';
    this.goodAtMs = nowMs;
  }

  /** No keys came. @param hint  What to do about it. */
  fail(problem: string, hint: string): void {
    const { name, log } = this.#options;
    this.problem = problem;
    if (this.condition === 'ready') {
      this.condition = 'stale';
      log.warn({ issuer: name, problem }, `keys of an issuer could not be had; those of before are used: ${hint}`);
    } else if (this.condition === 'starting') {
      this.#lose(`keys of an issuer could not be had; its tokens get 503 until they are there: ${hint}`);
    }
  }

  /** Keys of before are too old. */
  expire(hint: string): void {
    if (this.condition !== 'stale') return;
    this.keys = [];
    this.#lose(`keys of an issuer are too old to be used; its tokens get 503 until there are new ones: ${hint}`);
  }

  /** @param coolForMs  See `IssuerKeysNews`, as `beganAtMs`. */
  news(coolForMs: number, beganAtMs: number): IssuerKeysNews {
    const { name, settings } = this.#options;
    return {
      kind: 'issuer-keys',
      issuer: name,
      settings,
      version: this.#version,
      state: this.keys.length > 0 ? 'ready' : 'unavailable',
      keys: this.keys,
      isTried: this.condition !== 'starting',
      isFresh: this.condition === 'ready',
      beganAtMs,
      coolForMs,
    };
  }

  #lose(message: string): void {
    const { name, log, nextVersion } = this.#options;
    this.condition = 'unavailable';
    this.#version = nextVersion();
    log.error({ issuer: name, problem: this.problem }, message);
  }
}

function keyIdsOf(keys: readonly PlainKey[]): string[] {
  return keys
    .map((key) => (typeof key === 'string' ? undefined : key.kid))
    .filter((kid) => typeof kid === 'string')
    .slice(0, KEY_NAMES_LOGGED_MAX);
}
