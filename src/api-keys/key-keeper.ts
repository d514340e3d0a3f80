import { randomBytes } from 'node:crypto';
import { KeyedDigest } from './digest.ts';
import type { KeyBook } from './key-book.ts';
import type { KeyLog, KeyStore, Saved } from './key-store.ts';
import { KeyForm, randomDigits } from './key-text.ts';
import type { KeyAnswer, KeyDesk, KeyPage, KeyQuery, KeyRefusal, KeyView, KeyWithSecret } from './orders.ts';
import { KEY_STANDINGS, type KeyRecord, type KeyStanding, type KeyTerms, standingOf, termsFault } from './record.ts';

export interface KeyKeeperOptions {
  readonly book: KeyBook;
  readonly store: KeyStore;
  /** `apiKeys.environment`. */
  readonly environment: string;
  /** `apiKeys.secret`. */
  readonly secret: string;
  /** `apiKeys.keysMax`. */
  readonly keysMax: number;
  readonly log: () => KeyLog;
  /** Wall clock; Date.now when absent. */
  readonly nowMs?: () => number;
}

/** Names that keys may refer to, of the configuration in force. */
export interface KeyNames {
  readonly rateLimits: readonly string[];
  readonly routes: readonly string[];
}

/** Of 64 bytes some 58 are digits: short of 32 never happens. */
const RANDOM_BYTES = 64;
/** A revoked key is remembered, so that the log can say so; then it is nobody's. */
const REVOKED_KEPT_MS = 30 * 86_400_000;
const SWEEP_MS = 3_600_000;
/** Ids named in one log line. */
const NAMED_MAX = 10;

/**
 * What operators do with API keys: makes secrets, keeps their digests in a store, tells nobody a secret twice.
 *
 * Threads: main.
 */
export class KeyKeeper implements KeyDesk {
  /** Changes by operators of this gateway. */
  made = 0;
  readonly #o: KeyKeeperOptions;
  readonly #form: KeyForm;
  readonly #digest: KeyedDigest;
  readonly #nowMs: () => number;
  /** Ids that are being changed: one change at a time. */
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Keys that are being made. */
  #making = 0;
  #names: KeyNames = { rateLimits: [], routes: [] };
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(options: KeyKeeperOptions) {
    this.#o = options;
    this.#form = new KeyForm(options.environment);
    this.#digest = new KeyedDigest(options.secret, this.#form.length);
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** False until the store has been read, while changes are refused, or while those of other gateways are not heard. */
  get isUp(): boolean {
    return this.#o.store.isUp && this.#o.book.isLoaded;
  }

  /** Changes of other gateways. */
  get heard(): number {
    return this.#o.store.heard;
  }

  /** Keys by how they stand. */
  counts(): Readonly<Record<KeyStanding, number>> {
    const counts = Object.fromEntries(KEY_STANDINGS.map((standing) => [standing, 0])) as Record<KeyStanding, number>;
    const nowMs = this.#nowMs();
    for (const record of this.#o.book.records()) counts[standingOf(record, nowMs)] += 1;
    return counts;
  }

  /** At start and after a reload. */
  configure(names: KeyNames): void {
    this.#names = names;
    this.#warnOfLost();
  }

  /** Reads the store. @throws  SP_CONFIG  Where the gateway must not start. */
  async start(): Promise<void> {
    await this.#o.store.start();
    this.#warnOfLost();
    await this.sweep();
    // A stop may come while the store is read.
    if (!this.#isStopped) this.#timer = setInterval(() => void this.sweep(), SWEEP_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#o.store.stop();
  }

  /** Lets go of keys that were revoked long ago. Never rejects. */
  async sweep(): Promise<void> {
    const before = this.#nowMs() - REVOKED_KEPT_MS;
    const gone = this.#o.book.records().filter(({ state, changedAtMs }) => state === 'revoked' && changedAtMs < before);
    if (gone.length > 0) await this.#o.store.forget(gone);
  }

  list({ limit, after, owner }: KeyQuery): KeyPage | KeyRefusal {
    if (!this.#o.book.isLoaded) return NOT_LOADED;
    const records = this.#o.book.records().filter((record) => owner === null || record.owner === owner);
    records.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
    const from = after === null ? 0 : records.findIndex((record) => isBehind(record, after));
    const page = from === -1 ? [] : records.slice(from, from + limit);
    const last = page.at(-1);
    const isEnd = last === undefined || from + limit >= records.length;
    const nowMs = this.#nowMs();
    return {
      keys: page.map((record) => viewOf(record, nowMs)),
      total: records.length,
      next: isEnd ? null : cursorOf(last),
    };
  }

  show(id: string): KeyAnswer<KeyView> {
    if (!this.#o.book.isLoaded) return NOT_LOADED;
    const record = this.#o.book.get(id);
    return record === undefined ? ABSENT : { ok: true, key: viewOf(record, this.#nowMs()) };
  }

  async create(given: Readonly<Record<keyof KeyTerms, unknown>>, who: string): Promise<KeyAnswer<KeyWithSecret>> {
    const fault = termsFault(given) ?? this.#namesFault(given as KeyTerms);
    if (fault !== null) return wrong(fault);
    const terms = given as KeyTerms;
    const nowMs = this.#nowMs();
    if (terms.expiresAtMs !== 0 && terms.expiresAtMs <= nowMs) return wrong('expires must be in the future');
    if (!this.#o.book.isLoaded) return NOT_LOADED;
    if (this.#o.book.size + this.#making >= this.#o.keysMax) return this.#full();
    const { text, digest } = this.#newSecret();
    const record: KeyRecord = {
      ...terms,
      id: randomBytes(12).toString('hex'),
      version: 1,
      state: 'active',
      createdAtMs: nowMs,
      changedAtMs: nowMs,
      digest,
      previous: null,
    };
    this.#making += 1;
    const saved = await this.#o.store.save(record);
    this.#making -= 1;
    if (saved.kind !== 'saved') return this.#refusalOf(saved);
    this.#tell(record, who, 'API key created');
    return { ok: true, key: { ...viewOf(record, nowMs), key: text } };
  }

  async rotate(id: string, graceMs: number, who: string): Promise<KeyAnswer<KeyWithSecret>> {
    const { text, digest } = this.#newSecret();
    const answer = await this.#change(id, who, 'API key rotated', (before, nowMs) =>
      before.state === 'revoked'
        ? conflict('the key is revoked: create another one')
        : {
            ...before,
            digest,
            previous: graceMs === 0 ? null : { digest: before.digest, untilMs: nowMs + graceMs },
          },
    );
    return answer.ok ? { ok: true, key: { ...answer.key, key: text } } : answer;
  }

  revoke(id: string, who: string): Promise<KeyAnswer<KeyView>> {
    return this.#change(id, who, 'API key revoked', (before) =>
      before.state === 'revoked' ? before : { ...before, state: 'revoked', previous: null },
    );
  }

  enable(id: string, who: string): Promise<KeyAnswer<KeyView>> {
    return this.#change(id, who, 'API key enabled', (before) => {
      if (before.state === 'revoked') return conflict('the key is revoked, and that is for ever: create another one');
      return before.state === 'active' ? before : { ...before, state: 'active' };
    });
  }

  disable(id: string, who: string): Promise<KeyAnswer<KeyView>> {
    return this.#change(id, who, 'API key disabled', (before) => {
      if (before.state === 'revoked') return conflict('the key is revoked');
      return before.state === 'disabled' ? before : { ...before, state: 'disabled' };
    });
  }

  verify(text: string): KeyAnswer<KeyView> {
    const fault = this.#form.fault(text);
    if (fault === 'environment') return wrong(`this is a key of another environment than ${this.#o.environment}`);
    if (fault === 'checksum') return wrong('the checksum is wrong: a character was changed or lost');
    if (fault !== null) return wrong(`this is no API key: they look like sp_${this.#o.environment}_RANDOM_CHECKSUM`);
    if (!this.#o.book.isLoaded) return NOT_LOADED;
    const digest = Buffer.from(this.#digest.of(text), 'latin1').toString('base64url');
    const record = this.#o.book.byDigest(digest);
    const nowMs = this.#nowMs();
    if (record === undefined) return ABSENT;
    if (record.digest !== digest && (record.previous?.untilMs ?? 0) <= nowMs) {
      return conflict(`this is the former secret of key ${record.id}, which works no more since it was rotated`);
    }
    return { ok: true, key: viewOf(record, nowMs) };
  }

  /**
   * Changes one key, one change after the other.
   *
   * @param make  Gives the new record, the old one for no change, or why not.
   */
  async #change(
    id: string,
    who: string,
    message: string,
    make: (before: KeyRecord, nowMs: number) => KeyRecord | KeyRefusal,
  ): Promise<KeyAnswer<KeyView>> {
    const turn = (this.#busy.get(id) ?? Promise.resolve()).then(() => this.#changeNow(id, who, message, make));
    this.#busy.set(id, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(id) === turn) this.#busy.delete(id);
    }
  }

  /** Never rejects: stores do not. */
  async #changeNow(
    id: string,
    who: string,
    message: string,
    make: (before: KeyRecord, nowMs: number) => KeyRecord | KeyRefusal,
  ): Promise<KeyAnswer<KeyView>> {
    if (!this.#o.book.isLoaded) return NOT_LOADED;
    const before = this.#o.book.get(id);
    if (before === undefined) return ABSENT;
    const nowMs = this.#nowMs();
    const made = make(before, nowMs);
    if ('ok' in made) return made;
    if (made === before) return { ok: true, key: viewOf(before, nowMs) };
    const record: KeyRecord = { ...made, version: before.version + 1, changedAtMs: nowMs };
    const saved = await this.#o.store.save(record);
    if (saved.kind !== 'saved') return this.#refusalOf(saved);
    this.#tell(record, who, message);
    return { ok: true, key: viewOf(record, nowMs) };
  }

  #newSecret(): { readonly text: string; readonly digest: string } {
    let random = randomDigits(randomBytes(RANDOM_BYTES));
    while (random === null) random = randomDigits(randomBytes(RANDOM_BYTES));
    const text = this.#form.text(random);
    return { text, digest: Buffer.from(this.#digest.of(text), 'latin1').toString('base64url') };
  }

  #namesFault({ rateLimit, routes }: KeyTerms): string | null {
    const known = this.#names;
    if (rateLimit !== '' && !known.rateLimits.includes(rateLimit)) {
      return `rateLimit ${rateLimit} is not in rateLimits of the configuration${listed(known.rateLimits)}`;
    }
    const route = routes.find((name) => !known.routes.includes(name));
    return route === undefined ? null : `route ${route} is not in the configuration${listed(known.routes)}`;
  }

  /** Keys may outlive what they name. */
  #warnOfLost(): void {
    const { rateLimits } = this.#names;
    const lost = this.#o.book
      .records()
      .filter(({ rateLimit, state }) => rateLimit !== '' && state !== 'revoked' && !rateLimits.includes(rateLimit));
    if (lost.length === 0) return;
    const facts = { keys: lost.length, ids: lost.slice(0, NAMED_MAX).map(({ id }) => id) };
    this.#o.log().warn(facts, 'API keys name rate limits that the configuration does not have');
  }

  #tell({ id, name, owner, state, expiresAtMs }: KeyRecord, who: string, message: string): void {
    this.made += 1;
    this.#o.log().info({ key: id, name, owner, state, expires: isoOf(expiresAtMs), by: who }, message);
  }

  #refusalOf(saved: Exclude<Saved, { kind: 'saved' }>): KeyRefusal {
    if (saved.kind === 'full') return this.#full();
    if (saved.kind === 'conflict') return conflict('another gateway changed this key just now: look, and try again');
    return { ok: false, found: 'unavailable', words: saved.words };
  }

  #full(): KeyRefusal {
    const words = `there are ${this.#o.keysMax} keys already: raise apiKeys.keysMax; revoked keys make room after 30 days`;
    return { ok: false, found: 'conflict', words };
  }
}

const ABSENT: KeyRefusal = Object.freeze({ ok: false, found: 'absent', words: 'there is no such key' });
const NOT_LOADED: KeyRefusal = Object.freeze({
  ok: false,
  found: 'unavailable',
  words: 'the API keys have not been read yet: see the log',
});

function wrong(words: string): KeyRefusal {
  return { ok: false, found: 'wrong', words };
}

function conflict(words: string): KeyRefusal {
  return { ok: false, found: 'conflict', words };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : `, which has ${names.slice(0, NAMED_MAX).join(', ')}`;
}

function isoOf(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}

function viewOf(record: KeyRecord, nowMs: number): KeyView {
  const { id, name, owner, scopes, rateLimit, cidrs, origins, routes, previous } = record;
  return {
    id,
    name,
    owner,
    state: standingOf(record, nowMs),
    scopes,
    rateLimit,
    cidrs,
    origins,
    routes,
    notBefore: isoOf(record.notBeforeMs),
    expires: isoOf(record.expiresAtMs),
    created: new Date(record.createdAtMs).toISOString(),
    changed: new Date(record.changedAtMs).toISOString(),
    formerSecretUntil: previous !== null && previous.untilMs > nowMs ? isoOf(previous.untilMs) : null,
  };
}

function cursorOf({ createdAtMs, id }: KeyRecord): string {
  return `${createdAtMs}-${id}`;
}

function isBehind({ createdAtMs, id }: KeyRecord, cursor: string): boolean {
  const dash = cursor.indexOf('-');
  const sinceMs = Number(cursor.slice(0, dash));
  return createdAtMs > sinceMs || (createdAtMs === sinceMs && id > cursor.slice(dash + 1));
}
