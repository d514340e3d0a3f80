import {
  ALL,
  GENERATION,
  HEADER_WORDS,
  highOf,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  ISSUED_UNTIL,
  lowOf,
  OF_KIND,
  REMOVED,
  ROOM,
  SLOT_WORDS,
  SLOTS,
  TURN,
  UNTIL,
} from './layout.ts';

/** Slots used, now or before, in a half of which no more are taken: above it looks get long. */
const USED_SHARE = 0.8;

/**
 * Writes what is revoked into the table that threads read.
 *
 * The order of writes is what lets others read without a lock: a slot has its times before its id, and loses its id
 * before they change hands.
 *
 * Threads: one alone, the main thread.
 */
export class RevocationWriter {
  readonly #words: Int32Array;
  readonly #mask: number;
  /** Slots used in the half that is read: in use, and removed. */
  #used = 0;

  /** @param words  From `createRevocationWords`, empty. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#mask = (words[SLOTS] as number) - 1;
  }

  /** Revocations that fit, those of other machines included. */
  get room(): number {
    return this.#words[ROOM] as number;
  }

  get inUse(): number {
    return this.#words[IN_USE] as number;
  }

  /**
   * Adds a revocation, or changes one.
   *
   * @param kind           Its place in `REVOCATION_KINDS`.
   * @param untilMs        Until then it holds, milliseconds since 1970.
   * @param issuedUntilMs  Tokens issued until then; Infinity for all.
   * @returns  False when there is no room for one more: nothing is written.
   */
  put(high: number, low: number, kind: number, untilMs: number, issuedUntilMs: number): boolean {
    const words = this.#words;
    const [idHigh, idLow] = [highOf(high), lowOf(low)];
    const known = this.#find(idHigh, idLow);
    if (known !== -1) {
      this.#setTimes(known, untilMs, issuedUntilMs);
    } else {
      if (this.inUse >= this.room) return false;
      if (this.#used >= (this.#mask + 1) * USED_SHARE) this.#changeHalf();
      const slot = this.#free(this.#half(), idLow);
      if (words[slot + ID_LOW] === 0) this.#used += 1;
      this.#setTimes(slot, untilMs, issuedUntilMs);
      Atomics.store(words, slot + ID_LOW, idLow);
      Atomics.store(words, slot + ID_HIGH, idHigh);
      Atomics.add(words, OF_KIND + kind, 1);
      // Last: where this is 0 nobody looks any further.
      Atomics.add(words, IN_USE, 1);
    }
    Atomics.add(words, GENERATION, 1);
    return true;
  }

  /** @returns  False when it was not there. */
  remove(high: number, low: number, kind: number): boolean {
    const words = this.#words;
    const slot = this.#find(highOf(high), lowOf(low));
    if (slot === -1) return false;
    // In this order: it must never look like one that was not used yet.
    Atomics.store(words, slot + ID_LOW, REMOVED);
    Atomics.store(words, slot + ID_HIGH, 0);
    Atomics.sub(words, OF_KIND + kind, 1);
    Atomics.sub(words, IN_USE, 1);
    Atomics.add(words, GENERATION, 1);
    return true;
  }

  #half(): number {
    return HEADER_WORDS + ((this.#words[TURN] as number) & 1) * (this.#mask + 1) * SLOT_WORDS;
  }

  #find(high: number, low: number): number {
    const words = this.#words;
    const half = this.#half();
    for (let place = low & this.#mask; ; place = (place + 1) & this.#mask) {
      const slot = half + place * SLOT_WORDS;
      if (words[slot + ID_HIGH] === high && words[slot + ID_LOW] === low) return slot;
      if (words[slot + ID_HIGH] === 0 && words[slot + ID_LOW] === 0) return -1;
    }
  }

  /** The first slot without an id on the way of this one. There is one: a fifth is never used. */
  #free(half: number, low: number): number {
    for (let place = low & this.#mask; ; place = (place + 1) & this.#mask) {
      const slot = half + place * SLOT_WORDS;
      if (this.#words[slot + ID_HIGH] === 0) return slot;
    }
  }

  #setTimes(slot: number, untilMs: number, issuedUntilMs: number): void {
    const issued = issuedUntilMs === Number.POSITIVE_INFINITY ? ALL : seconds(Math.floor(issuedUntilMs / 1_000));
    Atomics.store(this.#words, slot + ISSUED_UNTIL, issued | 0);
    Atomics.store(this.#words, slot + UNTIL, seconds(Math.ceil(untilMs / 1_000)) | 0);
  }

  /** Fills the other half with what is in use; readers go on in this one until the turn says otherwise. */
  #changeHalf(): void {
    const words = this.#words;
    const size = (this.#mask + 1) * SLOT_WORDS;
    const from = this.#half();
    const to = from === HEADER_WORDS ? HEADER_WORDS + size : HEADER_WORDS;
    words.fill(0, to, to + size);
    for (let slot = from; slot < from + size; slot += SLOT_WORDS) {
      const high = words[slot + ID_HIGH] as number;
      if (high === 0) continue;
      const copy = this.#free(to, words[slot + ID_LOW] as number);
      words.copyWithin(copy, slot, slot + SLOT_WORDS);
    }
    this.#used = this.inUse;
    Atomics.add(words, TURN, 1);
  }
}

/** What fits a word. */
function seconds(value: number): number {
  return Math.min(ALL, Math.max(0, value));
}
