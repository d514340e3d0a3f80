// hot path: synchronous, never throws
import { TableLock } from '../base/table-lock.ts';
import {
  ALONE,
  ENTRIES,
  ENTRY_WORDS,
  FULL,
  HEADER_WORDS,
  HEADS,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  LOCK,
  NEXT,
  OLDEST,
  SEEN,
  UNTIL,
} from './layout.ts';

/** What a claim comes to: the first of its id, one of many, or one that cannot be told for want of room. */
export type Claimed = 'new' | 'seen' | 'full';

/** Old entries taken away by one claim, which adds one: what is over is soon gone, and no claim waits for it. */
const RECLAIMED_PER_CLAIM = 4;
/** The last second that a word can hold. */
const LATEST = 0xffff_ffff;
/** Chains hold one entry on average; one longer than this is torn. */
const CHAIN_MAX = 64;

/**
 * Remembers what may come once only, by the 64-bit hash of its name: see `layout.ts`.
 *
 * Threads: any number, an instance each; of all that claim one id exactly one is told `new`.
 */
export class ReplayTable {
  readonly #words: Int32Array;
  readonly #lock: TableLock;
  readonly #entries: number;
  readonly #headMask: number;
  readonly #firstEntry: number;

  /** @param words  From `createReplayWords`. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#entries = words[ENTRIES] as number;
    const heads = words[HEADS] as number;
    this.#headMask = heads - 1;
    this.#firstEntry = HEADER_WORDS + heads;
    this.#lock = new TableLock(words, LOCK, () => this.#rebuild());
  }

  get capacity(): number {
    return this.#entries;
  }

  /** Remembered, some of them longer than they need be. */
  get inUse(): number {
    return Atomics.load(this.#words, IN_USE);
  }

  /** Claims refused because the id was there. */
  get seen(): number {
    return Atomics.load(this.#words, SEEN) >>> 0;
  }

  /** Claims refused because there was no room. */
  get full(): number {
    return Atomics.load(this.#words, FULL) >>> 0;
  }

  /** Claims that held here alone. */
  get alone(): number {
    return Atomics.load(this.#words, ALONE) >>> 0;
  }

  /** A claim could not be held against those of other machines. */
  heldAlone(): void {
    Atomics.add(this.#words, ALONE, 1);
  }

  /**
   * @param high, low    Hash of what may come once.
   * @param expiresAtMs  Until then it is remembered, wall clock, milliseconds since 1970. What is over is never new.
   * @param nowMs        Wall clock.
   */
  claim(high: number, low: number, expiresAtMs: number, nowMs: number): Claimed {
    const words = this.#words;
    const now = Math.floor(nowMs / 1_000);
    this.#lock.enter();
    this.#reclaim(now);
    const until = Math.min(LATEST, Math.ceil(expiresAtMs / 1_000));
    const claimed = until > now ? this.#claim(high | 0, low | 0, until, now) : 'seen';
    // Whether it was written cannot be told any more: no second one may pass, so this one does not.
    const told = this.#lock.leave() ? claimed : 'full';
    if (told !== 'new') Atomics.add(words, told === 'seen' ? SEEN : FULL, 1);
    return told;
  }

  #claim(high: number, low: number, until: number, now: number): Claimed {
    const words = this.#words;
    const head = HEADER_WORDS + (low & this.#headMask);
    let steps = 0;
    for (let next = words[head] as number; next !== 0; steps += 1) {
      if (steps === CHAIN_MAX) return 'full';
      const entry = this.#at(next - 1);
      const isSame = words[entry + ID_HIGH] === high && words[entry + ID_LOW] === low;
      if (isSame && (words[entry + UNTIL] as number) >>> 0 > now) return 'seen';
      next = words[entry + NEXT] as number;
    }
    const inUse = words[IN_USE] as number;
    if (inUse === this.#entries) return 'full';
    const number = ((words[OLDEST] as number) + inUse) % this.#entries;
    const entry = this.#at(number);
    words[entry + ID_HIGH] = high;
    words[entry + ID_LOW] = low;
    words[entry + UNTIL] = until | 0;
    words[entry + NEXT] = words[head] as number;
    words[head] = number + 1;
    Atomics.store(words, IN_USE, inUse + 1);
    return 'new';
  }

  #reclaim(now: number): void {
    const words = this.#words;
    for (let count = 0; count < RECLAIMED_PER_CLAIM && (words[IN_USE] as number) > 0; count += 1) {
      const oldest = words[OLDEST] as number;
      const entry = this.#at(oldest);
      if ((words[entry + UNTIL] as number) >>> 0 > now) return;
      this.#unlink(oldest + 1, entry);
      words[OLDEST] = (oldest + 1) % this.#entries;
      Atomics.sub(words, IN_USE, 1);
    }
  }

  #unlink(number: number, entry: number): void {
    const words = this.#words;
    // The link that leads here: a head, or an entry before.
    let link = HEADER_WORDS + ((words[entry + ID_LOW] as number) & this.#headMask);
    for (let steps = 0; words[link] !== number && words[link] !== 0 && steps < CHAIN_MAX; steps += 1) {
      link = this.#at((words[link] as number) - 1) + NEXT;
    }
    if (words[link] === number) words[link] = words[entry + NEXT] as number;
  }

  #at(number: number): number {
    return this.#firstEntry + number * ENTRY_WORDS;
  }

  /** Makes the chains anew from the ring: their last writer may have died amidst. Under the lock. */
  #rebuild(): void {
    const words = this.#words;
    words.fill(0, HEADER_WORDS, this.#firstEntry);
    const inUse = Math.min(this.#entries, Math.max(0, words[IN_USE] as number));
    Atomics.store(words, IN_USE, inUse);
    const oldest = (words[OLDEST] as number) % this.#entries;
    for (let count = 0; count < inUse; count += 1) {
      const number = (oldest + count) % this.#entries;
      const entry = this.#at(number);
      const head = HEADER_WORDS + ((words[entry + ID_LOW] as number) & this.#headMask);
      words[entry + NEXT] = words[head] as number;
      words[head] = number + 1;
    }
  }
}
