// hot path: synchronous, never throws
import {
  BUCKETS,
  bucketWord,
  EVEN,
  EXPIRES,
  FOUND_FULL,
  FREE,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  LOCK,
  ODD,
  RECLAIMED,
  SLOTS_PER_BUCKET,
  TAKEN,
  TICK_MS,
} from './layout.ts';

/** Looks at a held lock before the thread sleeps between looks. */
const SPINS = 1_000;
/** A lock is held for less than a microsecond; one held this long belongs to a thread that died with it. */
const LOCK_DEAD_MS = 1_000;

/**
 * Finds and gives out the slots of a shared table: see `layout.ts`. A slot is named by the number of its first word,
 * the one of its id's high half.
 *
 * Threads: any number, an instance each. `find` takes no lock; the slow paths (a key's first request, and the first one
 * after a pause) lock the two buckets of the key. A thread that dies inside one holds others up for a second, once.
 */
export class LimiterTable {
  readonly words: Int32Array;
  readonly #mask: number;

  /** @param words  From `createLimiterWords`. */
  constructor(words: Int32Array) {
    this.words = words;
    this.#mask = (words[BUCKETS] as number) - 1;
  }

  get slots(): number {
    return (this.#mask + 1) * SLOTS_PER_BUCKET;
  }

  /** Slots that belong to a key, those whose windows have passed included until they are reclaimed. */
  get inUse(): number {
    return Atomics.load(this.words, IN_USE);
  }

  /** Times that a key found no room. */
  get foundFull(): number {
    return Atomics.load(this.words, FOUND_FULL) >>> 0;
  }

  /** Slots taken back from keys whose windows have passed. */
  get reclaimed(): number {
    return Atomics.load(this.words, RECLAIMED) >>> 0;
  }

  /**
   * The slot of a key, with counts that may still matter; claimed, or revived empty, where there is none.
   *
   * @param high      High half of the id, low half next.
   * @param windowMs  Length of the key's window.
   * @param steadyMs  Steady clock, milliseconds.
   * @returns  The slot, or -1 when both buckets of the key are full of keys in use.
   */
  slotOf(high: number, low: number, windowMs: number, steadyMs: number): number {
    const id = idOf(high);
    const slot = this.#find(id, low);
    if (slot !== -1 && ticksLeft(this.words, slot, steadyMs) > 0) return slot;
    return this.#claim(id, low, windowMs, steadyMs);
  }

  /** The slot of a key whose counts may still matter, or -1: claims nothing. */
  peek(high: number, low: number, steadyMs: number): number {
    const slot = this.#find(idOf(high), low);
    return slot !== -1 && ticksLeft(this.words, slot, steadyMs) > 0 ? slot : -1;
  }

  /** Says how long the counts of a slot matter. @param leftMs  From now. */
  extend(slot: number, steadyMs: number, leftMs: number): void {
    Atomics.store(this.words, slot + EXPIRES, tickAfter(steadyMs, leftMs));
  }

  /**
   * Takes back slots whose windows have passed.
   *
   * @param from     First bucket to look at.
   * @param buckets  How many: a thousand take some 50 us.
   * @returns  The bucket to go on with.
   */
  sweep(from: number, buckets: number, steadyMs: number): number {
    for (let i = 0; i < buckets; i += 1) {
      const base = bucketWord((from + i) & this.#mask);
      for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
        if (!this.#isPassed(slot, steadyMs)) continue;
        this.#lock(base);
        if (this.#isPassed(slot, steadyMs)) {
          this.#clear(slot);
          Atomics.store(this.words, slot + ID_HIGH, FREE);
          Atomics.sub(this.words, IN_USE, 1);
          Atomics.add(this.words, RECLAIMED, 1);
        }
        this.#unlock(base);
      }
    }
    return (from + buckets) & this.#mask;
  }

  #find(id: number, low: number): number {
    const first = this.#findIn(this.#firstBucket(low), id, low);
    return first !== -1 ? first : this.#findIn(this.#secondBucket(id, low), id, low);
  }

  #findIn(base: number, id: number, low: number): number {
    const { words } = this;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      if (words[slot] === id && words[slot + ID_LOW] === low) return slot;
    }
    return -1;
  }

  #claim(id: number, low: number, windowMs: number, steadyMs: number): number {
    const first = this.#firstBucket(low);
    const second = this.#secondBucket(id, low);
    const lower = Math.min(first, second);
    const higher = Math.max(first, second);
    this.#lock(lower);
    if (higher !== lower) this.#lock(higher);
    const slot = this.#claimLocked(first, second, id, low, windowMs, steadyMs);
    if (higher !== lower) this.#unlock(higher);
    this.#unlock(lower);
    return slot;
  }

  #claimLocked(first: number, second: number, id: number, low: number, windowMs: number, steadyMs: number): number {
    const { words } = this;
    const known = this.#find(id, low);
    if (known !== -1) {
      // Another thread was faster, or the key comes back after a pause.
      if (ticksLeft(words, known, steadyMs) <= 0) this.#begin(known, windowMs, steadyMs);
      return known;
    }
    // The emptier bucket: choosing the first one where it has room would find both full at half the load.
    const emptier = this.#roomsIn(second, steadyMs) > this.#roomsIn(first, steadyMs) ? second : first;
    const slot = this.#roomIn(emptier, steadyMs);
    if (slot === -1) {
      Atomics.add(words, FOUND_FULL, 1);
      return -1;
    }
    if (words[slot] === FREE) Atomics.add(words, IN_USE, 1);
    else Atomics.add(words, RECLAIMED, 1);
    // Nobody may find a half-written id.
    Atomics.store(words, slot + ID_HIGH, TAKEN);
    Atomics.store(words, slot + ID_LOW, low);
    this.#begin(slot, windowMs, steadyMs);
    Atomics.store(words, slot + ID_HIGH, id);
    return slot;
  }

  /** How many slots of a bucket could be given out. */
  #roomsIn(base: number, steadyMs: number): number {
    let rooms = 0;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      if (this.words[slot] === FREE || this.#isPassed(slot, steadyMs)) rooms += 1;
    }
    return rooms;
  }

  #roomIn(base: number, steadyMs: number): number {
    let passed = -1;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      if (this.words[slot] === FREE) return slot;
      if (passed === -1 && this.#isPassed(slot, steadyMs)) passed = slot;
    }
    return passed;
  }

  /** In use by a key, but nothing in it matters any more; a tick is allowed for threads that looked just before. */
  #isPassed(slot: number, steadyMs: number): boolean {
    const id = Atomics.load(this.words, slot + ID_HIGH);
    return id !== FREE && id !== TAKEN && ticksLeft(this.words, slot, steadyMs) < -1;
  }

  #begin(slot: number, windowMs: number, steadyMs: number): void {
    this.#clear(slot);
    Atomics.store(this.words, slot + EXPIRES, tickAfter(steadyMs, windowMs * 2));
  }

  #clear(slot: number): void {
    Atomics.store(this.words, slot + EVEN, 0);
    Atomics.store(this.words, slot + ODD, 0);
  }

  #firstBucket(low: number): number {
    return bucketWord(low & this.#mask);
  }

  #secondBucket(id: number, low: number): number {
    return bucketWord((Math.imul(id, 0x9e3779b1) ^ (low >>> 7)) & this.#mask);
  }

  #lock(base: number): void {
    const { words } = this;
    const at = base + LOCK;
    for (let spins = 0; Atomics.compareExchange(words, at, 0, 1) !== 0; spins += 1) {
      if (spins < SPINS) continue;
      if (spins >= SPINS + LOCK_DEAD_MS) return;
      Atomics.wait(words, at, 1, 1);
    }
  }

  #unlock(base: number): void {
    Atomics.store(this.words, base + LOCK, 0);
  }
}

function idOf(high: number): number {
  return high === FREE || high === TAKEN ? high + 2 : high;
}

/** Differences of ticks are right across the wrap of 32 bits. */
function ticksLeft(words: Int32Array, slot: number, steadyMs: number): number {
  return ((words[slot + EXPIRES] as number) - Math.floor(steadyMs / TICK_MS)) | 0;
}

function tickAfter(steadyMs: number, leftMs: number): number {
  return (Math.floor(steadyMs / TICK_MS) + Math.ceil(leftMs / TICK_MS) + 1) | 0;
}
