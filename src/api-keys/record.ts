import { parseRange } from '../base/ip-address.ts';

/** What is known of an API key. Nothing in here lets anybody in: of its secrets there are digests only. */
export interface KeyRecord {
  /** Public name of the key, made at random: 24 hexadecimal digits. */
  readonly id: string;
  /** 1 for a new key, one more with every change. Of two records of one key the one with the higher number holds. */
  readonly version: number;
  readonly name: string;
  readonly owner: string;
  readonly scopes: readonly string[];
  /** Name of a rate limit policy; '' for none. */
  readonly rateLimit: string;
  /** Addresses and ranges that it may come from; none for all. */
  readonly cidrs: readonly string[];
  /** Values of `Origin` that it may come with; none for all, and for requests without. */
  readonly origins: readonly string[];
  /** Names of routes that it opens; none for all that accept keys. */
  readonly routes: readonly string[];
  /** Wall clock, milliseconds; 0 for no bound. */
  readonly notBeforeMs: number;
  /** Wall clock, milliseconds; 0 for never. */
  readonly expiresAtMs: number;
  readonly state: KeyState;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** HMAC-SHA-256 of the secret in base64url. */
  readonly digest: string;
  /** The secret before the last rotation; null for none. */
  readonly previous: FormerSecret | null;
}

export interface FormerSecret {
  readonly digest: string;
  /** It works until then. Wall clock, milliseconds. */
  readonly untilMs: number;
}

/** Revoked is for ever. */
export const KEY_STATES = ['active', 'disabled', 'revoked'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** Caps of what a record says: the longest has some 24 KB. */
const TEXT_LENGTH_MAX = 128;
const SCOPES_MAX = 64;
const CIDRS_MAX = 64;
const ORIGINS_MAX = 32;
const ROUTES_MAX = 64;
const ORIGIN_LENGTH_MAX = 256;
/** Every character of every text escaped. */
export const RECORD_LENGTH_MAX = 262_144;
const VERSION_MAX = 2 ** 31;
/** Largest time a Date can hold. */
const TIME_MAX = 8_640_000_000_000_000;

export const KEY_ID = /^[0-9a-f]{24}$/;
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;
const MEMBERS = 16;

/** What an operator says of a key; the rest of a record is made. */
export type KeyTerms = Pick<
  KeyRecord,
  'name' | 'owner' | 'scopes' | 'rateLimit' | 'cidrs' | 'origins' | 'routes' | 'notBeforeMs' | 'expiresAtMs'
>;

/**
 * What is wrong with the terms of a key.
 *
 * @param terms  Of any shape.
 * @returns  A sentence without its full stop; null for sound ones.
 */
export function termsFault(terms: Readonly<Record<keyof KeyTerms, unknown>>): string | null {
  const { name, owner, scopes, rateLimit, cidrs, origins, routes, notBeforeMs, expiresAtMs } = terms;
  const words = `text of 1 to ${TEXT_LENGTH_MAX} characters, without control characters`;
  if (!isWords(name)) return `name must be ${words}`;
  if (!isWords(owner)) return `owner must be ${words}`;
  if (!isList(scopes, SCOPES_MAX, (text) => SCOPE.test(text))) {
    return `scopes must be a list of at most ${SCOPES_MAX} different words (RFC 6749 3.3)`;
  }
  if (typeof rateLimit !== 'string' || (rateLimit !== '' && !NAME.test(rateLimit))) {
    return 'rateLimit must be the name of a rate limit, or empty';
  }
  if (!isList(cidrs, CIDRS_MAX, (text) => parseRange(text) !== null)) {
    return `cidrs must be a list of at most ${CIDRS_MAX} different addresses or ranges, such as 10.0.0.0/8`;
  }
  if (!isList(origins, ORIGINS_MAX, isOrigin)) {
    return `origins must be a list of at most ${ORIGINS_MAX} different origins as browsers send them, such as https://app.example.com`;
  }
  if (!isList(routes, ROUTES_MAX, (text) => text.length <= TEXT_LENGTH_MAX && NAME.test(text))) {
    return `routes must be a list of at most ${ROUTES_MAX} different names of routes`;
  }
  if (!isCount(notBeforeMs, TIME_MAX)) return 'notBefore must be a time';
  if (!isCount(expiresAtMs, TIME_MAX)) return 'expires must be a time';
  if (expiresAtMs !== 0 && expiresAtMs <= notBeforeMs) return 'expires must be after notBefore';
  return null;
}

/**
 * Reads a record that came from a file or from Redis.
 *
 * @returns  Null for anything that this program would not have written. Never throws.
 */
export function parseRecord(text: string): KeyRecord | null {
  if (text.length > RECORD_LENGTH_MAX) return null;
  try {
    return recordOf(JSON.parse(text));
  } catch {
    // Either says the same: not ours.
    return null;
  }
}

/** As `parseRecord`, of JSON that was read. */
export function recordOf(json: unknown): KeyRecord | null {
  if (typeof json !== 'object' || json === null || Object.keys(json).length !== MEMBERS) return null;
  const value = json as Record<string, unknown>;
  if (termsFault(value as Record<keyof KeyTerms, unknown>) !== null) return null;
  const { id, version, state, createdAtMs, changedAtMs, digest, previous } = value;
  if (typeof id !== 'string' || !KEY_ID.test(id)) return null;
  if (!isCount(version, VERSION_MAX) || version === 0) return null;
  if (!KEY_STATES.includes(state as KeyState)) return null;
  if (!isCount(createdAtMs, TIME_MAX) || !isCount(changedAtMs, TIME_MAX)) return null;
  if (typeof digest !== 'string' || !DIGEST.test(digest)) return null;
  if (previous !== null && !isFormer(previous)) return null;
  return value as unknown as KeyRecord;
}

/** One line, without its end; its members in one order, so that equal records are equal texts. */
export function formatRecord(record: KeyRecord): string {
  return JSON.stringify({
    id: record.id,
    version: record.version,
    name: record.name,
    owner: record.owner,
    scopes: record.scopes,
    rateLimit: record.rateLimit,
    cidrs: record.cidrs,
    origins: record.origins,
    routes: record.routes,
    notBeforeMs: record.notBeforeMs,
    expiresAtMs: record.expiresAtMs,
    state: record.state,
    createdAtMs: record.createdAtMs,
    changedAtMs: record.changedAtMs,
    digest: record.digest,
    previous: record.previous === null ? null : { digest: record.previous.digest, untilMs: record.previous.untilMs },
  });
}

/** How a key stands at a time. */
export type KeyStanding = KeyState | 'expired' | 'pending';

export const KEY_STANDINGS: readonly KeyStanding[] = ['active', 'pending', 'disabled', 'expired', 'revoked'];

export function standingOf({ state, notBeforeMs, expiresAtMs }: KeyRecord, nowMs: number): KeyStanding {
  if (state === 'revoked') return state;
  if (expiresAtMs !== 0 && nowMs >= expiresAtMs) return 'expired';
  if (state === 'disabled') return state;
  return nowMs < notBeforeMs ? 'pending' : 'active';
}

function isFormer(value: unknown): value is FormerSecret {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false;
  const { digest, untilMs } = value as Record<string, unknown>;
  return typeof digest === 'string' && DIGEST.test(digest) && isCount(untilMs, TIME_MAX);
}

function isWords(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= TEXT_LENGTH_MAX &&
    value.trim() === value &&
    !HIDDEN.test(value)
  );
}

function isList(value: unknown, max: number, isSound: (text: string) => boolean): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= max &&
    new Set(value).size === value.length &&
    value.every((text) => typeof text === 'string' && isSound(text))
  );
}

/** As RFC 6454 6.2 writes it: what a browser sends is compared with it character by character. */
function isOrigin(text: string): boolean {
  if (text.length > ORIGIN_LENGTH_MAX || !/^https?:\/\//.test(text)) return false;
  return URL.canParse(text) && new URL(text).origin === text;
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
