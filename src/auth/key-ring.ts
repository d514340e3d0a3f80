// hot path: synchronous, never throws
import type { Config, IssuerConfig } from '../config/schema.ts';
import { type NotLetIn, refusal, type Waiting } from '../identity.ts';
import { type IssuerKeysNews, isRemote, issuerSettings, type KeysWanted, type PlainKey } from '../issuer-wire.ts';
import { KEY_ID_LENGTH_MAX, KEY_IDS_AWAITED_MAX, KEY_IDS_IN_VAIN_MAX, KEY_WAITERS_MAX } from '../limits.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { keyOfJwk, keyOfPem, keyOfSecret, type VerificationKey } from './verification-key.ts';

/** Keys of all issuers of one configuration, as one thread holds them. */
export interface ThreadKeys {
  /** @param name  As the configuration names the issuer; one that it does not name has no keys. */
  of(name: string): IssuerKeys;
}

/**
 * A name of a key that was asked for in vain is not asked for again for so long: whoever makes up names, or uses one
 * that is long gone, does not get the provider called again and again. The next refresh brings what is new anyway.
 */
const IN_VAIN_MS = 60_000;

/** An answer that takes longer than two time-outs of the provider and this will not come: ask again. */
const ANSWER_MS = 5_000;

/**
 * The keys that a thread has, over all generations of the configuration: an issuer whose settings did not change keeps
 * its keys, and each key that did not change stays the same object.
 *
 * Threads: one ring for each ingress thread; keys come by message from the main thread.
 */
export class KeyRing {
  readonly #say: (wanted: KeysWanted) => void;
  /** By name and settings. */
  #entries = new Map<string, RemoteKeys | StaticKeys>();

  constructor(say: (wanted: KeysWanted) => void) {
    this.#say = say;
  }

  /**
   * Keys for a configuration. Those of the one before stay until `settle`, since a reload may still be refused.
   *
   * @param news   What the main thread has, for issuers of this configuration and others.
   * @param nowMs  Milliseconds since the epoch.
   */
  use(config: Config, news: readonly IssuerKeysNews[], nowMs: number): ThreadKeys {
    const { offloadMicros, waitMs } = config.authentication;
    const byName = new Map<string, IssuerKeys>();
    for (const [name, issuer] of Object.entries(config.issuers)) {
      const settings = issuerSettings(issuer);
      const id = idOf(name, issuer, config);
      const entry =
        this.#entries.get(id) ??
        (issuer.keys.source === 'secret'
          ? secretKeys(issuer, offloadMicros)
          : new RemoteKeys(name, settings, issuer, { offloadMicros, waitMs }, this.#say));
      this.#entries.set(id, entry);
      byName.set(name, entry);
    }
    for (const one of news) this.receive(one, nowMs);
    return { of: (name) => byName.get(name) ?? NO_KEYS };
  }

  /** A configuration is in force: entries of others are dropped, and whoever waits for them is called back. */
  settle(config: Config): void {
    const kept = new Set(Object.entries(config.issuers).map(([name, issuer]) => idOf(name, issuer, config)));
    for (const [id, entry] of this.#entries) {
      if (kept.has(id)) continue;
      this.#entries.delete(id);
      if (entry instanceof RemoteKeys) entry.release();
    }
  }

  /** News of the main thread. @param nowMs  Milliseconds since the epoch. */
  receive(news: IssuerKeysNews, nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry instanceof RemoteKeys && entry.name === news.issuer && entry.settings === news.settings) {
        entry.receive(news, nowMs);
      }
    }
  }

  /** The thread ends: whoever waits is called back. */
  close(): void {
    for (const entry of this.#entries.values()) if (entry instanceof RemoteKeys) entry.release();
    this.#entries = new Map();
  }
}

interface RemoteOptions {
  /** As `KeyOptions`. */
  readonly offloadMicros: number;
  /** `authentication.waitMs`. */
  readonly waitMs: number;
}

/** Keys of an issuer that the main thread fetches, or reads from files. */
class RemoteKeys implements IssuerKeys {
  readonly name: string;
  readonly settings: string;
  version = 0;
  state: 'ready' | 'unavailable' = 'unavailable';
  readonly #issuer: IssuerConfig;
  readonly #options: RemoteOptions;
  readonly #say: (wanted: KeysWanted) => void;
  readonly #isRemote: boolean;
  /** By the key as text: an unchanged one stays the same object. */
  #made = new Map<string, VerificationKey>();
  #all: readonly VerificationKey[] = NONE;
  #unnamed: readonly VerificationKey[] = NONE;
  #byName = new Map<string, readonly VerificationKey[]>();
  /** Of `news`; news of before, that come late, are passed over. */
  #mainVersion = -1;
  #isTried = false;
  /** No configuration in force has it: the main thread tells nothing more of it. */
  #isReleased = false;
  #coolUntilMs = 0;
  /** When the main thread was asked; 0 for not since its last answer. */
  #askedAtMs = 0;
  /** Who waits, by the name of the key. */
  #awaited = new Map<string, Slot>();
  /** Names of keys that were asked for in vain, and when; the oldest first. */
  readonly #inVain = new Map<string, number>();

  constructor(
    name: string,
    settings: string,
    issuer: IssuerConfig,
    options: RemoteOptions,
    say: (wanted: KeysWanted) => void,
  ) {
    this.name = name;
    this.settings = settings;
    this.#issuer = issuer;
    this.#options = options;
    this.#say = say;
    this.#isRemote = isRemote(issuer);
  }

  find(kid: string | undefined): readonly VerificationKey[] {
    return kid === undefined ? this.#all : (this.#byName.get(kid) ?? this.#unnamed);
  }

  ask(kid: string | undefined, nowMs: number): Waiting | NotLetIn | null {
    if (!this.#isRemote) return null;
    if (this.#isReleased) return this.state === 'unavailable' || this.#isKnown(kid) ? null : NOT_YET;
    const { coolDownMs } = this.#issuer.keys;
    const coolForMs = this.#coolUntilMs - nowMs;
    // A wall clock that was set back must not make it longer than it is.
    const isCooling = coolForMs > 0 && coolForMs <= coolDownMs;
    if (this.state === 'unavailable') {
      if (!isCooling) this.#want(nowMs);
      // Before the first answer it comes any moment; later nobody knows when, and waiting would help nobody.
      return this.#isTried || this.#waiters() >= KEY_WAITERS_MAX ? null : this.#slot('', nowMs).waiting;
    }
    const name = kid ?? '';
    if (name.length > KEY_ID_LENGTH_MAX) return null;
    const askedAtMs = this.#inVain.get(name);
    if (askedAtMs !== undefined && nowMs >= askedAtMs && nowMs - askedAtMs < IN_VAIN_MS) return null;
    // A wrong signature by a known key is a forgery far more often than a key that was changed under its name.
    if (isCooling && (kid === undefined || this.#isKnown(kid))) return null;
    if (this.#awaited.size >= KEY_IDS_AWAITED_MAX && !this.#awaited.has(name)) return null;
    const { waiting } = this.#slot(name, nowMs);
    this.#want(nowMs);
    if (isCooling && coolForMs > this.#options.waitMs) return NOT_YET;
    return this.#waiters() < KEY_WAITERS_MAX ? waiting : NOT_YET;
  }

  receive(news: IssuerKeysNews, nowMs: number): void {
    this.#coolUntilMs = nowMs + news.coolForMs;
    this.#askedAtMs = 0;
    this.#isTried = news.isTried;
    if (news.version > this.#mainVersion) {
      this.#mainVersion = news.version;
      this.#take(news);
    }
    this.#answer(news.isFresh ? news.beganAtMs : 0, nowMs);
  }

  /** Nothing more will come: whoever waits finds that out by judging again, and nobody waits any more. */
  release(): void {
    this.#isReleased = true;
    this.#answer(0, 0);
  }

  #isKnown(kid: string | undefined): boolean {
    return kid !== undefined && this.#byName.has(kid);
  }

  #take({ state, keys }: IssuerKeysNews): void {
    const made = new Map<string, VerificationKey>();
    for (const plain of keys) {
      const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
      const key = this.#made.get(text) ?? this.#make(plain);
      if (key !== null) made.set(text, key);
    }
    this.#made = made;
    this.#all = Object.freeze([...made.values()]);
    this.#unnamed = Object.freeze(this.#all.filter(({ kid }) => kid === ''));
    this.#byName = new Map();
    for (const { kid } of this.#all) {
      if (kid === '' || this.#byName.has(kid)) continue;
      const fitting = this.#all.filter((key) => key.kid === kid || key.kid === '');
      this.#byName.set(kid, Object.freeze(fitting));
    }
    this.state = state === 'ready' && this.#all.length > 0 ? 'ready' : 'unavailable';
    this.version += 1;
  }

  /** The main thread has looked at it: what is no key here is none there. */
  #make(plain: PlainKey): VerificationKey | null {
    const options = { offloadMicros: this.#options.offloadMicros, algorithms: this.#issuer.algorithms };
    const made = typeof plain === 'string' ? keyOfPem(plain, options) : keyOfJwk(plain, options);
    return made.kind === 'key' ? made.key : null;
  }

  #slot(name: string, nowMs: number): Slot {
    let slot = this.#awaited.get(name);
    if (slot === undefined) {
      slot = new Slot(name === '' ? this.#all : (this.#byName.get(name) ?? this.#unnamed), nowMs);
      this.#awaited.set(name, slot);
    }
    return slot;
  }

  /** Asks the main thread, once until its next news. */
  #want(nowMs: number): void {
    const { timeoutMs, coolDownMs } = this.#issuer.keys;
    const patienceMs = coolDownMs + 2 * timeoutMs + ANSWER_MS;
    if (this.#askedAtMs !== 0 && Math.abs(nowMs - this.#askedAtMs) < patienceMs) return;
    // Those who waited for an answer that never came.
    if (this.#askedAtMs !== 0) this.#answer(0, nowMs);
    this.#askedAtMs = nowMs;
    this.#say({ kind: 'keys-wanted', issuer: this.name, settings: this.settings });
  }

  #waiters(): number {
    let count = 0;
    for (const { waiters } of this.#awaited.values()) count += waiters.length;
    return count;
  }

  /** @param beganAtMs  Of a fetch that brought all keys there are; 0 for none. It says nothing of later asks. */
  #answer(beganAtMs: number, nowMs: number): void {
    const awaited = this.#awaited;
    if (awaited.size === 0) return;
    this.#awaited = new Map();
    for (const [name, slot] of awaited) {
      if (slot.askedAtMs <= beganAtMs && isSame(slot.found, this.find(name === '' ? undefined : name)))
        this.#rememberInVain(name, nowMs);
    }
    for (const { waiters } of awaited.values()) for (const again of waiters) again();
  }

  #rememberInVain(name: string, nowMs: number): void {
    this.#inVain.delete(name);
    if (this.#inVain.size >= KEY_IDS_IN_VAIN_MAX) {
      for (const oldest of this.#inVain.keys()) {
        this.#inVain.delete(oldest);
        break;
      }
    }
    this.#inVain.set(name, nowMs);
  }
}

/** Requests that wait for one name of a key. */
class Slot {
  readonly waiters: (() => void)[] = [];
  /** What there was of this name when it was asked for. */
  readonly found: readonly VerificationKey[];
  readonly askedAtMs: number;
  readonly waiting: Waiting;

  constructor(found: readonly VerificationKey[], askedAtMs: number) {
    this.found = found;
    this.askedAtMs = askedAtMs;
    this.waiting = Object.freeze({
      kind: 'wait',
      wait: (again: () => void) => {
        this.waiters.push(again);
      },
    });
  }
}

/** Keys that are in the configuration. */
class StaticKeys implements IssuerKeys {
  readonly version = 1;
  readonly state: 'ready' | 'unavailable';
  readonly #keys: readonly VerificationKey[];

  constructor(keys: readonly VerificationKey[]) {
    this.#keys = Object.freeze(keys);
    this.state = keys.length > 0 ? 'ready' : 'unavailable';
  }

  find(): readonly VerificationKey[] {
    return this.#keys;
  }

  ask(): null {
    return null;
  }
}

function idOf(name: string, issuer: IssuerConfig, { authentication }: Config): string {
  const { offloadMicros, waitMs } = authentication;
  return `${name} ${issuerSettings(issuer)} ${offloadMicros} ${waitMs}`;
}

function secretKeys({ keys, algorithms }: IssuerConfig, offloadMicros: number): StaticKeys {
  const made = keyOfSecret(keys.secret, { offloadMicros, algorithms });
  return new StaticKeys(made.kind === 'key' ? [made.key] : []);
}

function isSame(before: readonly VerificationKey[], now: readonly VerificationKey[]): boolean {
  return before.length === now.length && before.every((key, at) => key === now[at]);
}

const NONE: readonly VerificationKey[] = Object.freeze([]);
const NO_KEYS: IssuerKeys = new StaticKeys([]);
/** There may be such a key, and the next fetch is too far away to wait for it, or too many wait already. */
const NOT_YET = refusal('keys-unavailable', 'the issuer may have a newer key, and is not asked again yet');
