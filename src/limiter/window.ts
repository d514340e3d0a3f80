// hot path: synchronous, never throws
import * as layout from './layout.ts';
import type { LimiterTable } from './table.ts';

// An import is read from memory with each use, a constant of the file itself is compiled in.
const {
  COUNT_BITS,
  COUNT_MASK,
  COUNT_MAX,
  LAG_MAX,
  NO_ROOM,
  SLOTS_PER_BUCKET,
  STATE_WORDS,
  STATES,
  TICK_MS,
  TURN_MASK,
  stateWord,
  stepsBetween,
  tagOf,
  tickOf,
} = layout;

/** What one sliding window allows. */
export interface WindowRule {
  /** 1 to 16,000,000. */
  readonly limit: number;
  /** Whole milliseconds, 100 to 2^32. */
  readonly windowMs: number;
}

/** No room in the table: `whenFull` decides. */
export const FULL = NO_ROOM;

/** What `#takeShort` answers where it cannot decide; no wait, and not FULL. */
const UNDECIDED = -2;
/**
 * A plain read behind a compare-exchange is made behind it: x64 makes none earlier than a locked instruction before it,
 * and no compiler moves one over the call. Elsewhere that takes an atomic load, as `layout.ts` says of the other word.
 */
const KEEPS_ORDER = process.arch === 'x64';

/**
 * The sliding window counter over a shared table: a request is admitted when what was counted in this window, and what
 * was counted in the one before weighted by the share of it still in view, leave room for its cost.
 *
 * All arithmetic is on whole milliseconds and exact: equal input gives equal answers on every machine. A clock that
 * goes back counts in the latest window seen until it has caught up, or until two windows of steady time have passed.
 * A thread that was held up after its clock was read goes by the newest time that others counted at: see `layout.ts`.
 *
 * The results of `look` and `take` beside their return value are left in fields, since an object for them would be
 * garbage on every request: `remaining`, `leftMs`. Times are given once, to `at`, and best whole: a fraction handed
 * on is garbage, too.
 *
 * Threads: one instance each; any number on one table. One compare-exchange on the word of the current window decides,
 * and the loser reads again: see `layout.ts`.
 */
export class SlidingWindow {
  /** Cost that would still be admitted now; 0 after a refusal. */
  remaining = 0;
  /** Milliseconds to the end of the window that counts; until then `remaining` only grows by itself. */
  leftMs = 0;
  /** The slot that `take` or `giveBack` found last; NO_ROOM for none. */
  slot = NO_ROOM;
  /** Added to the clock for the windows that follow: whole milliseconds. */
  shiftMs = 0;
  readonly #table: LimiterTable;
  readonly #words: Int32Array;
  /** Clock that numbers the windows, whole milliseconds, and tick of the steady clock: of the request at hand. */
  #clockMs = 0;
  #tick = 0;
  /** The window at hand: its number modulo 256, and how far it has gone; less than 0 where this clock is behind. */
  #turn = 0;
  #elapsedMs = 0;
  /** The window's word and the other one: where, what they held, and what that means. */
  #at = 0;
  #otherAt = 0;
  #seen = 0;
  #seenOther = 0;
  #tag = 0;
  #current = 0;
  #before = 0;

  constructor(table: LimiterTable) {
    this.#table = table;
    this.#words = table.words;
  }

  /** Clock that the last decision went by: the given one, or a later one where this thread was held up. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /**
   * When what follows is decided.
   *
   * @param clockMs   Clock that numbers the windows, milliseconds.
   * @param steadyMs  Steady clock of the machine, milliseconds.
   */
  at(clockMs: number, steadyMs: number): void {
    this.#clockMs = Math.floor(clockMs);
    this.#tick = tickOf(steadyMs);
  }

  /** What `take` would answer, counting nothing. @param high, low  Id of the key. */
  look(high: number, low: number, rule: WindowRule, cost: number): number {
    const { windowMs } = rule;
    this.#begin(windowMs);
    const slot = this.#table.peek(high, low, this.#tick);
    if (slot !== NO_ROOM) this.#read(slot, windowMs);
    if (slot === NO_ROOM || !this.#table.holds(slot, high, low)) {
      this.#begin(windowMs);
      this.#current = 0;
      this.#before = 0;
    }
    return this.#judge(rule, cost);
  }

  /**
   * Counts a request if there is room.
   *
   * @param cost      What it counts for, whole, >= 0.
   * @param penalise  Counts it even where there is no room.
   * @returns  0 when admitted; milliseconds (>= 1) until a request of this cost would be, if no other came; FULL where
   *           the key found no slot. A cost above the limit never fits: then the wait is a whole window.
   */
  take(high: number, low: number, rule: WindowRule, cost: number, penalise: boolean): number {
    const waitMs = this.#takeShort(high, low, rule, cost);
    return waitMs === UNDECIDED || (penalise && waitMs > 0)
      ? this.#takeAnyhow(high, low, rule, cost, penalise)
      : waitMs;
  }

  /**
   * What nearly all requests need, in one go: the key is in its first bucket, its window has begun, and no other thread
   * comes between. Makes the same reads in the same order as `#takeAnyhow`, which does whatever is left.
   *
   * @returns  As `take`; UNDECIDED where nothing is counted yet.
   */
  #takeShort(high: number, low: number, rule: WindowRule, cost: number): number {
    const table = this.#table;
    const words = this.#words;
    const { windowMs } = rule;
    const slot = table.slotInFirst(high, low, this.#tick);
    if (slot === NO_ROOM) return UNDECIDED;
    const clockMs = this.#clockMs + this.shiftMs;
    const number = Math.floor(clockMs / windowMs);
    const tag = tagOf(number);
    // As `stateWord` has it; a call here would not be compiled in.
    const at = slot + STATES + (slot & (SLOTS_PER_BUCKET - 1)) * (STATE_WORDS - 1) + (number & 1);
    const otherAt = at ^ 1;
    const seen = Atomics.load(words, at);
    const seenOther = words[otherAt] as number;
    const stepsOther = stepsBetween(seenOther, tagOf(number - 1));
    if (seen >>> COUNT_BITS !== tag || stepsOther > 0) return UNDECIDED;
    if (table.lag(this.#tick) > LAG_MAX || !table.holds(slot, high, low)) return UNDECIDED;
    this.slot = slot;
    this.#elapsedMs = clockMs - number * windowMs;
    this.#current = seen & COUNT_MASK;
    this.#before = stepsOther === 0 ? seenOther & COUNT_MASK : 0;
    const waitMs = this.#judge(rule, cost);
    if (waitMs !== 0) return waitMs;
    // It fits below the limit, and so into the word.
    if (Atomics.compareExchange(words, at, seen, seen + cost) !== seen) return UNDECIDED;
    const isSame = (KEEPS_ORDER ? words[otherAt] : Atomics.load(words, otherAt)) === seenOther;
    if (isSame) return 0;
    this.#at = at;
    this.#tag = tag;
    this.#takeBack(cost);
    return UNDECIDED;
  }

  /** Decides in any case: claims the slot, opens the window, goes by a later time, begins anew. */
  #takeAnyhow(high: number, low: number, rule: WindowRule, cost: number, penalise: boolean): number {
    const table = this.#table;
    const { windowMs } = rule;
    for (;;) {
      this.#begin(windowMs);
      const slot = table.slotOf(high, low, windowMs, this.#tick, this.#turn);
      this.slot = slot;
      if (slot === NO_ROOM) return FULL;
      this.#read(slot, windowMs);
      // Behind the search and the reads: who took a slot back, or opened a window, had moved the newest tick before.
      const lag = table.lag(this.#tick);
      if (lag > LAG_MAX) {
        this.#clockMs += (lag - LAG_MAX) * TICK_MS;
        this.#tick = (this.#tick + lag - LAG_MAX) | 0;
        continue;
      }
      if (!table.holds(slot, high, low)) continue;
      const waitMs = this.#judge(rule, cost);
      if (waitMs !== 0 && !penalise) return waitMs;
      if (this.#seen >>> COUNT_BITS !== this.#tag) {
        // First in its window: the slot matters until the next one has passed.
        table.extend(slot, this.#tick, windowMs * 2 - this.#elapsedMs);
        if (!table.holds(slot, high, low)) continue;
      }
      const count = Math.min(COUNT_MAX, this.#current + cost);
      if (!this.#write(count)) continue;
      if (waitMs === 0) return 0;
      // What it waits for lies further away by the penalty.
      this.#current = count;
      return this.#judge(rule, cost);
    }
  }

  /** Takes back what `take` has just counted for this key, where no later window has begun meanwhile. */
  giveBack(high: number, low: number, rule: WindowRule, cost: number): void {
    const slot = this.#table.peek(high, low, this.#tick);
    this.slot = slot;
    if (slot === NO_ROOM) return;
    this.#begin(rule.windowMs);
    const turn = this.#turn;
    this.#read(slot, rule.windowMs);
    // The count of a window that has passed is final.
    if (this.#turn !== turn || !this.#table.holds(slot, high, low)) return;
    this.#takeBack(cost);
  }

  /** Numbers the window that the clock is in. */
  #begin(windowMs: number): void {
    const clockMs = this.#clockMs + this.shiftMs;
    const number = Math.floor(clockMs / windowMs);
    this.#turn = number & TURN_MASK;
    this.#elapsedMs = clockMs - number * windowMs;
  }

  /** Reads the counts of a slot, as of the window at hand, or of a later one that has begun for other threads. */
  #read(slot: number, windowMs: number): void {
    for (let ahead = this.#readAt(slot); ahead > 0; ahead = this.#readAt(slot)) {
      this.#turn = (this.#turn + ahead) & TURN_MASK;
      this.#elapsedMs -= ahead * windowMs;
    }
  }

  /** @returns  How many windows later the latest one in the slot is; 0 or less for none. */
  #readAt(slot: number): number {
    const words = this.#words;
    const turn = this.#turn;
    const tag = tagOf(turn);
    const tagBefore = tagOf(turn - 1);
    this.#at = stateWord(slot) + (turn & 1);
    this.#otherAt = this.#at ^ 1;
    this.#tag = tag;
    this.#seen = Atomics.load(words, this.#at);
    // Plain: `#write` looks whether it is still the same.
    this.#seenOther = words[this.#otherAt] as number;
    const ahead = stepsBetween(this.#seen, tag) * 2;
    const aheadOther = stepsBetween(this.#seenOther, tagBefore) * 2;
    this.#current = ahead === 0 ? this.#seen & COUNT_MASK : 0;
    this.#before = aheadOther === 0 ? this.#seenOther & COUNT_MASK : 0;
    return ahead > aheadOther ? ahead : aheadOther - 1;
  }

  /** @returns  False when another thread was faster; then nothing is counted. */
  #write(count: number): boolean {
    const words = this.#words;
    const word = (this.#tag << COUNT_BITS) | count;
    if (Atomics.compareExchange(words, this.#at, this.#seen, word) !== this.#seen) return false;
    if (Atomics.load(words, this.#otherAt) === this.#seenOther) return true;
    this.#takeBack(count - this.#current);
    return false;
  }

  /** Less in the word read last, as long as it is about the same window. */
  #takeBack(cost: number): void {
    const words = this.#words;
    for (;;) {
      const seen = Atomics.load(words, this.#at);
      if (seen >>> COUNT_BITS !== this.#tag) return;
      const word = (this.#tag << COUNT_BITS) | Math.max(0, (seen & COUNT_MASK) - cost);
      if (Atomics.compareExchange(words, this.#at, seen, word) === seen) return;
    }
  }

  /** Judges what `#read` found. @returns  0 for room, else milliseconds until there is. */
  #judge(rule: WindowRule, cost: number): number {
    const { limit, windowMs } = rule;
    const leftMs = windowMs - this.#elapsedMs;
    const current = this.#current;
    const before = this.#before;
    this.leftMs = leftMs;
    const free = limit - current - cost;
    const inView = before === 0 ? 0 : floorOfShare(before, Math.min(leftMs, windowMs), windowMs, windowMs - 1);
    if (inView <= free) {
      this.remaining = free - inView;
      return 0;
    }
    this.remaining = 0;
    if (cost > limit) return windowMs;
    // In this window: until so much of the one before has gone out of view that the rest fits.
    if (free >= 0) return leftMs - floorOfShare(free, windowMs, before, 0);
    // In the next one this window is the one before.
    return leftMs + windowMs - floorOfShare(limit - cost, windowMs, current, 0);
  }
}

/** `(count * ms + rest) / divisor`, rounded down, exactly. @param count  Below 2^24; the others up to 2^32. */
function floorOfShare(count: number, ms: number, divisor: number, rest: number): number {
  const product = count * ms;
  if (product < 2 ** 52) return Math.floor((product + rest) / divisor);
  // Longer than 53 bits: twelve bits of the count at a time.
  const upper = Math.floor(count / 4_096);
  const quotient = Math.floor((upper * ms) / divisor);
  const left = upper * ms - quotient * divisor;
  return quotient * 4_096 + Math.floor((left * 4_096 + (count - upper * 4_096) * ms + rest) / divisor);
}
