// hot path: synchronous, never throws
import { COUNT_BITS, COUNT_MASK, COUNT_MAX, EVEN, ODD, TAG_MASK } from './layout.ts';
import type { LimiterTable } from './table.ts';

/** What one sliding window allows. */
export interface WindowRule {
  /** 1 to 16,000,000. */
  readonly limit: number;
  /** Milliseconds >= 100. */
  readonly windowMs: number;
}

/** No room in the table: `whenFull` decides. */
export const FULL = -1;

/**
 * The sliding window counter over a shared table: a request is admitted when what was counted in this window, and what
 * was counted in the one before weighted by the share of it still in view, leave room for its cost.
 *
 * All arithmetic is on whole milliseconds and exact: equal input gives equal answers on every machine.
 *
 * The results of `look` and `take` beside their return value are left in fields, since an object for them would be
 * garbage on every request: `remaining`, `leftMs`.
 *
 * Threads: one instance each; any number on one table. One compare-exchange on the word of the current window decides,
 * and the loser reads again.
 */
export class SlidingWindow {
  /** Cost that would still be admitted now; 0 after a refusal. */
  remaining = 0;
  /** Milliseconds to the end of the window; until then `remaining` only grows by itself. */
  leftMs = 0;
  readonly #table: LimiterTable;
  readonly #words: Int32Array;
  #at = 0;
  #tag = 0;
  #elapsedMs = 0;
  #current = 0;
  #before = 0;
  #seen = 0;

  constructor(table: LimiterTable) {
    this.#table = table;
    this.#words = table.words;
  }

  /**
   * What `take` would answer, counting nothing.
   *
   * @param high, low  Id of the key.
   * @param clockMs    Clock that numbers the windows, milliseconds.
   * @param steadyMs   Steady clock of the machine, milliseconds.
   */
  look(high: number, low: number, rule: WindowRule, cost: number, clockMs: number, steadyMs: number): number {
    const slot = this.#table.peek(high, low, steadyMs);
    if (slot === -1) {
      this.#current = 0;
      this.#before = 0;
      this.#elapsedMs = Math.floor(clockMs) % rule.windowMs;
    } else {
      this.#read(slot, rule.windowMs, clockMs);
    }
    return this.#judge(rule, cost);
  }

  /**
   * Counts a request if there is room.
   *
   * @param cost      What it counts for, >= 0.
   * @param penalise  Counts it even where there is no room.
   * @returns  0 when admitted; milliseconds (>= 1) until a request of this cost would be, if no other came; FULL where
   *           the key found no slot. A cost above the limit never fits: then the wait is a whole window.
   */
  take(
    high: number,
    low: number,
    rule: WindowRule,
    cost: number,
    clockMs: number,
    steadyMs: number,
    penalise: boolean,
  ): number {
    const { windowMs } = rule;
    const slot = this.#table.slotOf(high, low, windowMs, steadyMs);
    if (slot === -1) return FULL;
    for (;;) {
      this.#read(slot, windowMs, clockMs);
      const waitMs = this.#judge(rule, cost);
      if (waitMs !== 0 && !penalise) return waitMs;
      const count = Math.min(COUNT_MAX, this.#current + cost);
      if (!this.#write(slot, count, windowMs, steadyMs)) continue;
      this.#current = count;
      // Admitted: what remains is less by the cost. Refused: what it waits for lies further away by the penalty.
      return this.#judge(rule, waitMs === 0 ? 0 : cost);
    }
  }

  /** Takes back what `take` has just counted for this key, where the window has not ended meanwhile. */
  giveBack(high: number, low: number, rule: WindowRule, cost: number, clockMs: number, steadyMs: number): void {
    const slot = this.#table.peek(high, low, steadyMs);
    if (slot === -1) return;
    do {
      this.#read(slot, rule.windowMs, clockMs);
      if (this.#current === 0) return;
    } while (!this.#write(slot, Math.max(0, this.#current - cost), rule.windowMs, steadyMs));
  }

  /** Reads the counts of both windows of a slot, as they are at `clockMs`. */
  #read(slot: number, windowMs: number, clockMs: number): void {
    const words = this.#words;
    const wholeMs = Math.floor(clockMs);
    const number = Math.floor(wholeMs / windowMs);
    this.#elapsedMs = wholeMs - number * windowMs;
    if (!this.#readWindow(words, slot, number)) return;
    // Another thread, whose clock is a little ahead, counts in the next window already: so does this one.
    this.#elapsedMs = 0;
    this.#readWindow(words, slot, number + 1);
  }

  /** @returns  True when the window after `number` has begun for others. */
  #readWindow(words: Int32Array, slot: number, number: number): boolean {
    const half = Math.floor(number / 2);
    const isOdd = number - half * 2 === 1;
    const tag = half & TAG_MASK;
    const other = Atomics.load(words, slot + (isOdd ? EVEN : ODD));
    const otherTag = other >>> COUNT_BITS;
    const otherCount = other & COUNT_MASK;
    this.#at = slot + (isOdd ? ODD : EVEN);
    this.#tag = tag;
    this.#seen = Atomics.load(words, this.#at);
    this.#current = this.#seen >>> COUNT_BITS === tag ? this.#seen & COUNT_MASK : 0;
    this.#before = otherTag === ((isOdd ? half : half - 1) & TAG_MASK) ? otherCount : 0;
    return otherCount !== 0 && otherTag === ((isOdd ? half + 1 : half) & TAG_MASK);
  }

  #write(slot: number, count: number, windowMs: number, steadyMs: number): boolean {
    const next = (this.#tag << COUNT_BITS) | count;
    if (Atomics.compareExchange(this.#words, this.#at, this.#seen, next) !== this.#seen) return false;
    // First in its window: the slot matters until the next one has passed.
    if (this.#current === 0) this.#table.extend(slot, steadyMs, windowMs * 2 - this.#elapsedMs);
    return true;
  }

  /** Judges what `#read` found. @returns  0 for room, else milliseconds until there is. */
  #judge(rule: WindowRule, cost: number): number {
    const { limit, windowMs } = rule;
    const leftMs = windowMs - this.#elapsedMs;
    const current = this.#current;
    const before = this.#before;
    this.leftMs = leftMs;
    const room = limit * windowMs - before * leftMs - current * windowMs;
    if (room >= cost * windowMs) {
      this.remaining = Math.floor(room / windowMs) - cost;
      return 0;
    }
    this.remaining = 0;
    if (cost > limit) return windowMs;
    // In this window: until so much of the one before has gone out of view that the rest fits.
    const free = limit - cost - current;
    if (free >= 0) return leftMs - Math.floor((free * windowMs) / before);
    // In the next one this window is the one before.
    return leftMs + windowMs - Math.floor(((limit - cost) * windowMs) / current);
  }
}
