// hot path: synchronous, never throws
import { timingSafeEqual } from 'node:crypto';
import { type AddressSet, compileAddressSet, hasAddress } from '../base/address-set.ts';
import { parseRange } from '../base/ip-address.ts';
import { type Identity, type Judged, type NotLetIn, refusal } from '../identity.ts';
import { KEYS_REMEMBERED_MAX } from '../limits.ts';
import { DIGEST_BYTES, KeyedDigest } from './digest.ts';
import { KeyForm } from './key-text.ts';
import { type KeyRecord, parseRecord } from './record.ts';
import type { KeyNews, KeyOnWire, KeySnapshot } from './wire.ts';

/** What of a request a key may depend on. */
export interface KeyFacts {
  /** Of the client, canonical text. */
  readonly address: string;
  /** Value of the `Origin` field; null where there is none, '' where there is more than one. */
  readonly origin: string | null;
  /** Name of the route. */
  readonly route: string;
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
}

export interface KeyRingSettings {
  /** `apiKeys.environment`. */
  readonly environment: string;
  /** `apiKeys.secret`. */
  readonly secret: string;
}

const FORM = refusal('malformed', 'the API key has not the form of one');
const ENVIRONMENT = refusal('malformed', 'the API key is of another environment');
const CHECKSUM = refusal('malformed', 'the API key has a wrong checksum');
const NOT_LOADED = refusal('keys-store-unavailable', 'the API keys have not been read yet');
const UNKNOWN = refusal('key-unknown', 'nobody has this API key');
const UNREADABLE = refusal('key-unknown', 'the record of this API key cannot be read');

/**
 * All API keys as one ingress thread knows them, and the judge over them.
 *
 * A key is looked up by its digest; the digest found is compared in constant time. Texts that were found are remembered
 * until any key changes: a key that comes again costs no hash.
 *
 * Threads: one instance each, with its own copy of all digests; records are read when they are first used.
 */
export class KeyRing {
  readonly #form: KeyForm;
  readonly #digest: KeyedDigest;
  readonly #given = Buffer.alloc(DIGEST_BYTES);
  readonly #keys = new Map<string, RingKey>();
  readonly #slots = new Map<string, Slot>();
  /** Texts of keys that were found; the older half goes when the younger is full. */
  #young = new Map<string, Slot>();
  #old = new Map<string, Slot>();
  #isLoaded: boolean;

  constructor({ environment, secret }: KeyRingSettings, { isLoaded, keys }: KeySnapshot) {
    this.#form = new KeyForm(environment);
    this.#digest = new KeyedDigest(secret, this.#form.length);
    this.#isLoaded = isLoaded;
    for (const key of keys) this.#set(key);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Takes news over; from here on they hold. */
  change({ isLoaded, set, drop }: KeyNews): void {
    this.#isLoaded = isLoaded;
    for (const id of drop) this.#drop(id);
    for (const key of set) this.#set(key);
    this.#young.clear();
    this.#old.clear();
  }

  /**
   * Says whose key it is, or why it is none that opens this.
   *
   * @param text  As it came, of any length and kind.
   */
  judge(text: string, facts: KeyFacts): Judged {
    const slot = this.#young.get(text) ?? this.#find(text);
    if ('reason' in slot) return slot;
    const { key } = slot;
    const rule = key.rule ?? key.read();
    if (rule === null) return UNREADABLE;
    return rule.refusal(slot.untilMs(), facts) ?? rule.known;
  }

  #find(text: string): Slot | NotLetIn {
    const before = this.#old.get(text);
    if (before !== undefined) {
      this.#remember(text, before);
      return before;
    }
    const fault = this.#form.fault(text);
    if (fault !== null) return fault === 'checksum' ? CHECKSUM : fault === 'form' ? FORM : ENVIRONMENT;
    if (!this.#isLoaded) return NOT_LOADED;
    const digest = this.#digest.of(text);
    const slot = this.#slots.get(digest);
    if (slot === undefined) return UNKNOWN;
    this.#given.write(digest, 'latin1');
    if (!timingSafeEqual(this.#given, slot.bytes)) return UNKNOWN;
    this.#remember(text, slot);
    return slot;
  }

  #remember(text: string, slot: Slot): void {
    if (this.#young.size >= KEYS_REMEMBERED_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, slot);
  }

  #set({ id, digests, line }: KeyOnWire): void {
    this.#drop(id);
    const key = new RingKey(
      line,
      digests.map((digest) => Buffer.from(digest, 'base64url')),
    );
    this.#keys.set(id, key);
    for (const [index, bytes] of key.digests.entries()) {
      // What is no digest opens nothing.
      if (bytes.length !== DIGEST_BYTES) continue;
      this.#slots.set(bytes.toString('latin1'), new Slot(key, bytes, index > 0));
    }
  }

  #drop(id: string): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#keys.delete(id);
    for (const bytes of key.digests) {
      const digest = bytes.toString('latin1');
      if (this.#slots.get(digest)?.key === key) this.#slots.delete(digest);
    }
  }
}

/** A secret that works, or did before a rotation. */
class Slot {
  readonly key: RingKey;
  readonly bytes: Buffer;
  readonly #isFormer: boolean;

  constructor(key: RingKey, bytes: Buffer, isFormer: boolean) {
    this.key = key;
    this.bytes = bytes;
    this.#isFormer = isFormer;
  }

  untilMs(): number {
    return this.#isFormer ? (this.key.rule?.formerUntilMs ?? 0) : Number.POSITIVE_INFINITY;
  }
}

class RingKey {
  readonly digests: readonly Buffer[];
  /** Null until it is first used, and where the record cannot be read. */
  rule: KeyRule | null = null;
  readonly #line: string;

  constructor(line: string, digests: readonly Buffer[]) {
    this.#line = line;
    this.digests = digests;
  }

  read(): KeyRule | null {
    const record = parseRecord(this.#line);
    if (record !== null) this.rule = new KeyRule(record);
    return this.rule;
  }
}

/** What a key is good for, compiled. */
class KeyRule {
  readonly known: Judged;
  readonly formerUntilMs: number;
  readonly #record: KeyRecord;
  readonly #expiresAtMs: number;
  readonly #addresses: AddressSet | null;

  constructor(record: KeyRecord) {
    const { id, owner, name, scopes, rateLimit, cidrs, createdAtMs, expiresAtMs, previous } = record;
    this.#record = record;
    this.#expiresAtMs = expiresAtMs === 0 ? Number.POSITIVE_INFINITY : expiresAtMs;
    this.formerUntilMs = previous?.untilMs ?? 0;
    const ranges = cidrs.map(parseRange).filter((range) => range !== null);
    this.#addresses = cidrs.length === 0 ? null : compileAddressSet(ranges);
    const identity: Identity = Object.freeze({
      kind: 'api-key',
      issuer: '',
      subject: owner,
      client: id,
      tokenId: '',
      scopes: Object.freeze([...scopes]),
      claims: Object.freeze({ name, owner }),
      issuedAtMs: createdAtMs,
      expiresAtMs: this.#expiresAtMs,
      keyThumbprint: '',
      rateLimit,
    });
    this.known = Object.freeze({ kind: 'known', identity });
  }

  /** @param secretUntilMs  End of the secret that was sent. @returns  Null where nothing speaks against it. */
  refusal(secretUntilMs: number, { address, origin, route, nowMs }: KeyFacts): NotLetIn | null {
    const { id, state, notBeforeMs, origins, routes } = this.#record;
    if (state === 'revoked') return refusal('revoked', `key ${id} is revoked`);
    if (state === 'disabled') return refusal('key-disabled', `key ${id} is disabled`);
    // Written so that what is no time is refused.
    if (!(nowMs < this.#expiresAtMs)) return refusal('key-expired', `key ${id} has expired`);
    if (!(nowMs < secretUntilMs)) return refusal('key-expired', `key ${id} was rotated: this is its former secret`);
    if (nowMs < notBeforeMs) return refusal('key-not-yet-valid', `key ${id} is not valid yet`);
    if (this.#addresses !== null && !hasAddress(this.#addresses, address)) {
      return refusal('key-address', `key ${id} may not come from this address`);
    }
    if (origins.length > 0 && (origin === null || !origins.includes(origin))) {
      const found = origin === null ? 'comes without Origin' : 'may not come with this Origin';
      return refusal('key-origin', `key ${id} ${found}`);
    }
    if (routes.length > 0 && !routes.includes(route)) {
      return refusal('key-route', `key ${id} does not open this route`);
    }
    return null;
  }
}
