// hot path: synchronous, never throws
import * as layout from './layout.ts';

export { LAG_MAX, NO_ROOM } from './layout.ts';

// An import is read from memory with each use, a constant of the file itself is compiled in.
const {
  BUCKETS,
  EVEN,
  EXPIRES,
  FOUND_FULL,
  FREE,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  LAG_MAX,
  LOCK,
  NEWEST,
  NO_ROOM,
  ODD,
  RECLAIMED,
  SLOTS_PER_BUCKET,
  STATE_WORDS,
  STATES,
  TAKEN,
  TICK_MS,
  WINDOW_MS,
  bucketWord,
  emptyWord,
  slotNumber,
  slotOfNumber,
  stateWord,
  tickOf,
} = layout;

/** With so much room a key takes its first bucket, where it is found sooner; with less, the emptier one. */
const ROOM_KEPT = 5;
/** Looks at a held lock before the thread sleeps between looks. */
const SPINS = 1_000;
/** A lock is held for less than a microsecond; one held this long belongs to a thread that died with it. */
const LOCK_DEAD_MS = 1_000;

/**
 * Finds and gives out the slots of a shared table: see `layout.ts`. A slot is named by the number of its first word,
 * the one of its id's high half.
 *
 * Threads: any number, an instance each. Finding takes no lock; the slow paths (a key's first request, and the first
 * one after a pause) lock the two buckets of the key. A thread that dies inside one holds up those that need the same
 * bucket for a second, once; the counters for metrics may be off by one afterwards.
 */
export class LimiterTable {
  readonly words: Int32Array;
  readonly #mask: number;
  readonly #marks: number;

  /** @param words  From `createLimiterWords`. */
  constructor(words: Int32Array) {
    this.words = words;
    this.#mask = (words[BUCKETS] as number) - 1;
    this.#marks = bucketWord(this.#mask + 1);
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
   * @param tick      From `tickOf`, of the steady clock.
   * @param turn      Number of the key's window, modulo 256.
   * @returns  The slot or NO_ROOM. Where `lag` is above LAG_MAX then, what the key had counted may have been lost.
   */
  slotOf(high: number, low: number, windowMs: number, tick: number, turn: number): number {
    const id = idOf(high);
    const slot = this.#find(id, low);
    // Plain reads: a slot that seems to have passed is looked at again under the locks.
    if (slot !== NO_ROOM && (((this.words[stateWord(slot) + EXPIRES] as number) - tick) | 0) > 0) return slot;
    return this.#claim(id, low, windowMs, tick, turn);
  }

  /** As `peek`, in the first bucket of the key only. */
  slotInFirst(high: number, low: number, tick: number): number {
    const { words } = this;
    const id = idOf(high);
    const base = bucketWord(low & this.#mask);
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      if (words[slot] !== id || words[slot + ID_LOW] !== low) continue;
      const state = slot + STATES + (slot - base) * (STATE_WORDS - 1);
      return (((words[state + EXPIRES] as number) - tick) | 0) > 0 ? slot : NO_ROOM;
    }
    return NO_ROOM;
  }

  /** The slot of a key whose counts may still matter, or NO_ROOM: claims nothing. */
  peek(high: number, low: number, tick: number): number {
    const slot = this.#find(idOf(high), low);
    return slot !== NO_ROOM && (((this.words[stateWord(slot) + EXPIRES] as number) - tick) | 0) > 0 ? slot : NO_ROOM;
  }

  /** Whether a slot found before is still this key's. Call it behind an atomic access: its own reads are plain. */
  holds(slot: number, high: number, low: number): boolean {
    const { words } = this;
    return words[slot + ID_HIGH] === idOf(high) && words[slot + ID_LOW] === low;
  }

  /** Ticks that `tick` is behind the newest one. Call it behind an atomic access: its own read is plain. */
  lag(tick: number): number {
    return ((this.words[NEWEST] as number) - tick) | 0;
  }

  /** Says how long the counts of a slot matter; never less than said before. @param leftMs  From now. */
  extend(slot: number, tick: number, leftMs: number): void {
    this.#forward(NEWEST, tick);
    this.#forward(stateWord(slot) + EXPIRES, tickAfter(tick, leftMs));
  }

  /** Whether the counts of a slot may still matter. */
  isLive(slot: number, tick: number): boolean {
    const id = Atomics.load(this.words, slot + ID_HIGH);
    return id !== FREE && id !== TAKEN && ticksLeft(this.words, slot, tick) > 0;
  }

  /** Marks a slot for the next exchange with other machines. Call it after the count is written. */
  mark(slot: number): void {
    const { words } = this;
    const number = slotNumber(slot);
    const at = this.#marks + (number >>> 5);
    const bit = 1 << (number & 31);
    // A mark that is there is taken later, and the count is read after that.
    if ((Atomics.load(words, at) & bit) === 0) Atomics.or(words, at, bit);
  }

  /** Words of marks: 32 slots each. */
  get markWords(): number {
    return Math.ceil(this.slots / 32);
  }

  /** Takes the marks of one word. @param at  0 <= at < `markWords`. @param into  Gets the slots marked. */
  takeMarks(at: number, into: number[]): void {
    const { words } = this;
    if (Atomics.load(words, this.#marks + at) === 0) return;
    const bits = Atomics.exchange(words, this.#marks + at, 0);
    for (let bit = 0; bit < 32; bit += 1) {
      if ((bits & (1 << bit)) !== 0) into.push(slotOfNumber(at * 32 + bit));
    }
  }

  /**
   * Takes back slots whose windows have passed.
   *
   * @param from     First bucket to look at.
   * @param buckets  How many: a thousand take some 50 us.
   * @returns  The bucket to go on with.
   */
  sweep(from: number, buckets: number, steadyMs: number): number {
    const tick = tickOf(steadyMs);
    this.#forward(NEWEST, tick);
    for (let i = 0; i < buckets; i += 1) {
      const base = bucketWord((from + i) & this.#mask);
      for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
        if (!this.#isPassed(slot, tick)) continue;
        const ticket = this.#lock(base);
        if (this.#evict(slot, tick)) {
          Atomics.store(this.words, slot + ID_HIGH, FREE);
          Atomics.sub(this.words, IN_USE, 1);
        }
        this.#unlock(base, ticket);
      }
    }
    return (from + buckets) & this.#mask;
  }

  #forward(at: number, tick: number): void {
    const { words } = this;
    for (;;) {
      const seen = Atomics.load(words, at);
      if (((tick - seen) | 0) <= 0) return;
      if (Atomics.compareExchange(words, at, seen, tick) === seen) return;
    }
  }

  #find(id: number, low: number): number {
    const first = this.#findIn(this.#firstBucket(low), id, low);
    return first !== NO_ROOM ? first : this.#findIn(this.#secondBucket(id, low), id, low);
  }

  #findIn(base: number, id: number, low: number): number {
    const { words } = this;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      if (words[slot] === id && words[slot + ID_LOW] === low) return slot;
    }
    return NO_ROOM;
  }

  #claim(id: number, low: number, windowMs: number, tick: number, turn: number): number {
    const first = this.#firstBucket(low);
    const second = this.#secondBucket(id, low);
    // Who holds the first bucket alone keeps others from claiming this key, and may do so there.
    this.#forward(NEWEST, tick);
    const ticket = this.#lock(first);
    let slot = this.#findIn(first, id, low);
    if (slot !== NO_ROOM) {
      this.#revive(slot, windowMs, tick, turn);
    } else if (!this.#mayHold(second, id, low) && this.#roomIn(first, tick) >= ROOM_KEPT) {
      slot = this.#take(first, tick);
      if (slot !== NO_ROOM) this.#give(slot, id, low, windowMs, tick, turn);
    }
    this.#unlock(first, ticket);
    return slot !== NO_ROOM ? slot : this.#claimInBoth(first, second, id, low, windowMs, tick, turn);
  }

  #claimInBoth(
    first: number,
    second: number,
    id: number,
    low: number,
    windowMs: number,
    tick: number,
    turn: number,
  ): number {
    const lower = Math.min(first, second);
    const higher = Math.max(first, second);
    const lowerTicket = this.#lock(lower);
    const higherTicket = higher === lower ? 0 : this.#lock(higher);
    let slot = this.#find(id, low);
    if (slot === NO_ROOM) {
      slot = this.#room(first, second, tick);
      if (slot === NO_ROOM) Atomics.add(this.words, FOUND_FULL, 1);
      else this.#give(slot, id, low, windowMs, tick, turn);
    } else {
      this.#revive(slot, windowMs, tick, turn);
    }
    if (higher !== lower) this.#unlock(higher, higherTicket);
    this.#unlock(lower, lowerTicket);
    return slot;
  }

  /**
   * Whether a bucket that is not locked holds a key, or a slot that another thread is about to take or leave. Plain
   * reads: nobody else can give the key a slot meanwhile, and one that is just being taken back may well be seen still.
   */
  #mayHold(base: number, id: number, low: number): boolean {
    const { words } = this;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      const seen = words[slot];
      if (seen === TAKEN || (seen === id && words[slot + ID_LOW] === low)) return true;
    }
    return false;
  }

  /** @returns  A slot marked TAKEN, in the emptier bucket; NO_ROOM for none. */
  #room(first: number, second: number, tick: number): number {
    const isFirst = this.#roomIn(first, tick) >= this.#roomIn(second, tick);
    const slot = this.#take(isFirst ? first : second, tick);
    // Keys may have come back to life meanwhile.
    return slot !== NO_ROOM ? slot : this.#take(isFirst ? second : first, tick);
  }

  #roomIn(base: number, tick: number): number {
    let room = 0;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      const id = this.words[slot];
      if (id === FREE || id === TAKEN || this.#isPassed(slot, tick)) room += 1;
    }
    return room;
  }

  #take(base: number, tick: number): number {
    const { words } = this;
    for (let slot = base; slot < base + SLOTS_PER_BUCKET; slot += 1) {
      const id = words[slot];
      if (id === TAKEN || this.#evict(slot, tick)) return slot;
      if (id !== FREE) continue;
      Atomics.add(words, IN_USE, 1);
      Atomics.store(words, slot + ID_HIGH, TAKEN);
      return slot;
    }
    return NO_ROOM;
  }

  /** Plain writes: nobody finds a slot that is marked TAKEN, and the last one makes them seen. */
  #give(slot: number, id: number, low: number, windowMs: number, tick: number, turn: number): void {
    const { words } = this;
    const state = stateWord(slot);
    words[slot + ID_LOW] = low;
    words[state + WINDOW_MS] = windowMs | 0;
    words[state + EVEN] = emptyWord(turn & ~1);
    words[state + ODD] = emptyWord((turn - 1) | 1);
    words[state + EXPIRES] = tickAfter(tick, windowMs * 2);
    Atomics.store(words, slot + ID_HIGH, id);
  }

  /** A key comes back after a pause, unless another thread was faster. */
  #revive(slot: number, windowMs: number, tick: number, turn: number): void {
    this.#renew(slot, stateWord(slot) + EVEN, emptyWord(turn & ~1), tick);
    this.#renew(slot, stateWord(slot) + ODD, emptyWord((turn - 1) | 1), tick);
    this.extend(slot, tick, windowMs * 2);
  }

  /** Threads whose clock is a little behind may still count here: nothing that they write after this look is lost. */
  #renew(slot: number, at: number, word: number, tick: number): void {
    const { words } = this;
    for (;;) {
      const seen = Atomics.load(words, at);
      if (ticksLeft(words, slot, tick) > 0) return;
      if (Atomics.compareExchange(words, at, seen, word) === seen) return;
    }
  }

  /**
   * In use by a key, but nothing in it matters any more; a tick is allowed for threads that looked just before. Plain
   * reads: `#evict` looks again.
   */
  #isPassed(slot: number, tick: number): boolean {
    const { words } = this;
    const id = words[slot];
    return id !== FREE && id !== TAKEN && (((words[stateWord(slot) + EXPIRES] as number) - tick) | 0) < -LAG_MAX;
  }

  /** The lock is held. @returns  True when the slot was taken from its key; it is marked TAKEN. */
  #evict(slot: number, tick: number): boolean {
    if (!this.#isPassed(slot, tick)) return false;
    const { words } = this;
    const id = Atomics.exchange(words, slot + ID_HIGH, TAKEN);
    if (ticksLeft(words, slot, tick) < -LAG_MAX) {
      Atomics.add(words, RECLAIMED, 1);
      return true;
    }
    Atomics.store(words, slot + ID_HIGH, id);
    return false;
  }

  #firstBucket(low: number): number {
    return bucketWord(low & this.#mask);
  }

  #secondBucket(id: number, low: number): number {
    return bucketWord((Math.imul(id, 0x9e3779b1) ^ (low >>> 7)) & this.#mask);
  }

  /** @returns  What the lock holds now: nobody else gives it back with that. */
  #lock(base: number): number {
    const { words } = this;
    const at = base + LOCK;
    let last = 0;
    for (let looks = 0; ; looks += 1) {
      const seen = Atomics.load(words, at);
      const isHeld = (seen & 1) === 1;
      if (isHeld && seen !== last) {
        last = seen;
        looks = 0;
      }
      if (isHeld && looks < SPINS) continue;
      if (isHeld && looks < SPINS + LOCK_DEAD_MS) {
        Atomics.wait(words, at, seen, 1);
        continue;
      }
      const ticket = (seen + (isHeld ? 2 : 1)) | 0;
      if (Atomics.compareExchange(words, at, seen, ticket) === seen) return ticket;
    }
  }

  #unlock(base: number, ticket: number): void {
    Atomics.compareExchange(this.words, base + LOCK, ticket, (ticket + 1) | 0);
  }
}

function idOf(high: number): number {
  return high === FREE || high === TAKEN ? high + 2 : high;
}

function ticksLeft(words: Int32Array, slot: number, tick: number): number {
  return (Atomics.load(words, stateWord(slot) + EXPIRES) - tick) | 0;
}

function tickAfter(tick: number, leftMs: number): number {
  return (tick + Math.ceil(leftMs / TICK_MS) + 1) | 0;
}
