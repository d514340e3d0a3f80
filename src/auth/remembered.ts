// hot path: synchronous, never throws
import { randomBytes } from 'node:crypto';
import type { Known } from '../identity.ts';
import type { TrustedIssuer } from './issuer-settings.ts';
import type { VerificationKey } from './verification-key.ts';

/** Tokens whose slot is the same and that are all kept: with fewer, two busy tokens could push each other out. */
const WAYS = 4;

/** Characters of the signature that pick the slot, and how far from the end: the last ones of Ed25519 vary little. */
const PICKING_CHARACTERS = 8;
const BEFORE_END = 20;

/**
 * What remembering a token takes beyond the text itself, bytes: its claims as objects have three to four times the
 * bytes of their JSON, which is three quarters of most of the text.
 */
const ENTRY_BYTES = 1_024;
const BYTES_PER_CHARACTER = 4;

/** A token that was found good. */
export interface Remembered {
  /** A text of its own: a piece of a larger one would keep that. */
  readonly token: string;
  readonly issuer: TrustedIssuer;
  readonly key: VerificationKey;
  /** As the token names its key. */
  readonly kid: string | undefined;
  readonly known: Known;
  /** It holds from and until then, milliseconds since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Version of the issuer's keys that `key` was last found among. */
  keysVersion: number;
  usedAtMs: number;
}

/**
 * Tokens that were verified, of one thread. A token is found by its whole text, which is as sound as a digest and
 * costs a tenth: some bytes of the signature, random to all but the issuer, pick the slot, and one comparison of equal
 * length settles it. That comparison takes a time that depends on how much is alike, but whoever could measure it must
 * first know those bytes of the signature, and then learn sixteen unknown bytes at a time.
 *
 * Bounded in number and in bytes. What was not used longest goes first among those of a slot.
 */
export class RememberedTokens {
  readonly #entries: (Remembered | undefined)[];
  readonly #mask: number;
  readonly #bytesMax: number;
  /** So that nobody can tell which tokens share a slot. */
  readonly #seed = randomBytes(4).readInt32LE();
  #bytes = 0;
  #count = 0;
  #hand = 0;

  /**
   * @param tokensMax  Most tokens, rounded up to a power of two, at least four.
   * @param bytesMax   Most bytes of memory, roughly.
   */
  constructor(tokensMax: number, bytesMax: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, tokensMax / WAYS)));
    this.#entries = new Array<Remembered | undefined>(slots * WAYS).fill(undefined);
    this.#mask = slots - 1;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns  The token as one of these issuers' that was good; whether it still is, is for the caller to see. */
  find(token: string, allowed: readonly TrustedIssuer[], nowMs: number): Remembered | null {
    const first = this.#slotOf(token);
    for (let i = first; i < first + WAYS; i += 1) {
      const entry = this.#entries[i];
      if (entry !== undefined && entry.token === token && allowed.includes(entry.issuer)) {
        entry.usedAtMs = nowMs;
        return entry;
      }
    }
    return null;
  }

  /** Keeps a token, in the place of the same one by the same issuer, of nothing, or of the one not used longest. */
  add(found: Remembered): void {
    const { token, issuer, usedAtMs } = found;
    const bytes = bytesOf(token);
    if (bytes > this.#bytesMax) return;
    const first = this.#slotOf(token);
    let place = first;
    let oldest = Number.POSITIVE_INFINITY;
    for (let i = first; i < first + WAYS; i += 1) {
      const entry = this.#entries[i];
      if (entry !== undefined && entry.token === token && entry.issuer === issuer) {
        place = i;
        break;
      }
      const age = entry === undefined || usedAtMs >= entry.untilMs ? Number.NEGATIVE_INFINITY : entry.usedAtMs;
      if (age < oldest) {
        oldest = age;
        place = i;
      }
    }
    this.#drop(place);
    while (this.#bytes + bytes > this.#bytesMax) {
      this.#drop(this.#hand);
      this.#hand = (this.#hand + 1) & (this.#entries.length - 1);
    }
    this.#entries[place] = found;
    this.#bytes += bytes;
    this.#count += 1;
  }

  forget(found: Remembered): void {
    const first = this.#slotOf(found.token);
    for (let i = first; i < first + WAYS; i += 1) if (this.#entries[i] === found) this.#drop(i);
  }

  #drop(place: number): void {
    const entry = this.#entries[place];
    if (entry === undefined) return;
    this.#entries[place] = undefined;
    this.#bytes -= bytesOf(entry.token);
    this.#count -= 1;
  }

  #slotOf(token: string): number {
    let hash = this.#seed;
    const end = token.length - BEFORE_END;
    for (let i = end - PICKING_CHARACTERS; i < end; i += 1) hash = Math.imul(hash, 31) + token.charCodeAt(i);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return ((hash ^ (hash >>> 13)) & this.#mask) * WAYS;
  }
}

function bytesOf(token: string): number {
  return ENTRY_BYTES + token.length * BYTES_PER_CHARACTER;
}
