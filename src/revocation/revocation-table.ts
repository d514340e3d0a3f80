// hot path: synchronous, never throws
import {
  GENERATION,
  HEADER_WORDS,
  highOf,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  ISSUED_UNTIL,
  lowOf,
  OF_KIND,
  SLOT_WORDS,
  SLOTS,
  TURN,
  UNTIL,
} from './layout.ts';

/** The turn changes after thousands of removals at the earliest: a look that it overtook so often is no honest one. */
const LOOKS_MAX = 16;

/**
 * What is revoked, as threads read it: see `layout.ts`.
 *
 * Threads: any number, an instance each. Takes no lock and allocates nothing.
 */
export class RevocationTable {
  readonly words: Int32Array;
  readonly #mask: number;

  /** @param words  From `createRevocationWords`. */
  constructor(words: Int32Array) {
    this.words = words;
    this.#mask = (words[SLOTS] as number) - 1;
  }

  /** Revocations in the table; some may be over and not removed yet. */
  get inUse(): number {
    return Atomics.load(this.words, IN_USE);
  }

  /** Changes with every change: what was found good stays so while this stays. */
  get generation(): number {
    return Atomics.load(this.words, GENERATION);
  }

  /** @param kind  Its place in `REVOCATION_KINDS`. @returns  Revocations of this kind. */
  countOf(kind: number): number {
    return Atomics.load(this.words, OF_KIND + kind);
  }

  /**
   * @param high, low   Hash of what may be revoked.
   * @param issuedAtMs  When the token was issued, milliseconds since 1970; 0 for unknown, which is taken for long ago.
   * @param nowMs       Wall clock.
   */
  has(high: number, low: number, issuedAtMs: number, nowMs: number): boolean {
    const { words } = this;
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const turn = Atomics.load(words, TURN);
      const slot = this.#find(turn, highOf(high), lowOf(low));
      const isRevoked = slot !== -1 && holds(words, slot, issuedAtMs, nowMs);
      if (Atomics.load(words, TURN) === turn) return isRevoked;
    }
    return true;
  }

  /** @returns  First word of the slot with this id in the half of a turn, or -1. */
  #find(turn: number, high: number, low: number): number {
    const { words } = this;
    const mask = this.#mask;
    const half = HEADER_WORDS + (turn & 1) * (mask + 1) * SLOT_WORDS;
    for (let place = low & mask, steps = 0; steps <= mask; place = (place + 1) & mask, steps += 1) {
      const slot = half + place * SLOT_WORDS;
      const found = Atomics.load(words, slot + ID_HIGH);
      const foundLow = Atomics.load(words, slot + ID_LOW);
      if (found === high && foundLow === low) return slot;
      if (found === 0 && foundLow === 0) return -1;
    }
    return -1;
  }
}

function holds(words: Int32Array, slot: number, issuedAtMs: number, nowMs: number): boolean {
  const until = Atomics.load(words, slot + UNTIL) >>> 0;
  const issuedUntil = Atomics.load(words, slot + ISSUED_UNTIL) >>> 0;
  return Math.floor(nowMs / 1_000) < until && Math.floor(issuedAtMs / 1_000) <= issuedUntil;
}
