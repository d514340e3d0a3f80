// hot path: synchronous, never throws

/** The rate of a throttle. */
export interface Rate {
  /** Permits, >= 1. */
  readonly requests: number;
  /** in this time, milliseconds >= 1. */
  readonly perMs: number;
  /** Permits that may be taken at once after a pause, >= 1. */
  readonly burst: number;
}

/** Milliseconds that a backlog makes up for at once, when timers or the thread were late: see `take`. */
export const CATCH_UP_MS = 100;

/** The word counts modulo 2^32 units: so long, milliseconds, it takes to come round, at least. */
const ROUND_TRIP_MS = 10_000_000;
/** Longest burst in units, so that a time ahead is told from one long past. */
const BURST_UNITS_MAX = 2 ** 28;
const AHEAD_MAX = 2 ** 30;

/**
 * Permits at an even rate, over all threads: the generic cell rate algorithm in one shared word. The word is the
 * theoretical arrival time of the next permit in units of a small part of the interval, so that the interval is a whole
 * number of units and no rate drifts. One compare-exchange takes a permit.
 *
 * The word comes round after 2.7 hours or more; main calls `rest` meanwhile, so that a time long past is not taken for
 * one to come.
 *
 * Threads: any number, one instance each, over one word. Source: ITU-T I.371, generic cell rate algorithm, virtual
 * scheduling.
 */
export class Permits {
  readonly intervalMs: number;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #interval: number;
  readonly #unitsPerMs: number;
  readonly #window: number;

  /** @param at  The word of the table. */
  constructor(words: Int32Array, at: number, { requests, perMs, burst }: Rate) {
    this.intervalMs = perMs / requests;
    this.#words = words;
    this.#at = at;
    const finest = Math.min(BURST_UNITS_MAX / burst, (this.intervalMs * 2 ** 32) / ROUND_TRIP_MS);
    this.#interval = Math.max(1, Math.floor(finest));
    this.#unitsPerMs = this.#interval / this.intervalMs;
    this.#window = (burst - 1) * this.#interval;
  }

  /**
   * Takes a permit if one is due.
   *
   * @param steadyMs   Clock of all threads, milliseconds.
   * @param isBacklog  Somebody has been waiting since the permit became due: then the next one is not counted from now
   *                   but from when this one was due, up to CATCH_UP_MS ago. Timers have a precision of 1 ms; counted
   *                   from now, a rate of 1,000 a second would become one of 600.
   */
  take(steadyMs: number, isBacklog: boolean): boolean {
    const now = steadyMs * this.#unitsPerMs;
    const whole = Math.floor(now);
    // Rounded down: rounded up, the last of a burst would not be due yet. What it gains, less than a unit (2.4 us or a
    // 2^28th of the burst), never adds up.
    const earliest = Math.floor((isBacklog ? steadyMs - CATCH_UP_MS : steadyMs) * this.#unitsPerMs);
    let word = Atomics.load(this.#words, this.#at);
    for (;;) {
      const ahead = aheadOf(word, whole);
      if (ahead > this.#window) return false;
      const from = whole + ahead > earliest ? word : earliest | 0;
      const seen = Atomics.compareExchange(this.#words, this.#at, word, (from + this.#interval) | 0);
      if (seen === word) return true;
      word = seen;
    }
  }

  /** @returns  Milliseconds until a permit is due; 0 or less: for how long one has been. */
  dueInMs(steadyMs: number): number {
    const now = steadyMs * this.#unitsPerMs;
    const whole = Math.floor(now);
    const ahead = aheadOf(this.#words[this.#at] as number, whole);
    return (ahead - (now - whole) - this.#window) / this.#unitsPerMs;
  }

  /** @returns  Most permits that a backlog can take within `waitMs` from now. */
  within(waitMs: number, steadyMs: number): number {
    const now = steadyMs * this.#unitsPerMs;
    const whole = Math.floor(now);
    const ahead = Math.max(
      -CATCH_UP_MS * this.#unitsPerMs,
      aheadOf(this.#words[this.#at] as number, whole) - (now - whole),
    );
    return Math.max(0, 1 + Math.floor((waitMs * this.#unitsPerMs - ahead + this.#window) / this.#interval));
  }

  /** Keeps a word that nobody uses from coming round. Threads: main, at least once in a quarter of an hour. */
  rest(steadyMs: number): void {
    const whole = Math.floor(steadyMs * this.#unitsPerMs);
    const word = Atomics.load(this.#words, this.#at);
    if (aheadOf(word, whole) < -CATCH_UP_MS * this.#unitsPerMs) {
      Atomics.compareExchange(this.#words, this.#at, word, Math.floor(whole - CATCH_UP_MS * this.#unitsPerMs) | 0);
    }
  }

  /** All permits of the burst are there. Threads: main, before any other uses the word. */
  reset(steadyMs: number): void {
    Atomics.store(this.#words, this.#at, Math.floor(steadyMs * this.#unitsPerMs) | 0);
  }
}

/** Units from now to the word, negative when it has passed. @param now  Whole units, of any size. */
function aheadOf(word: number, now: number): number {
  const ahead = (word - now) | 0;
  return ahead > AHEAD_MAX ? ahead - 2 ** 32 : ahead;
}
