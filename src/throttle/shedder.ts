// hot path: synchronous, never throws

/** What `shedding` says; 0 is never. */
export interface SheddingSettings {
  readonly loopDelayMs: number;
  readonly memoryBytes: number;
}

/** `priority` of a route, the most important first. A number stands for its position. */
export const PRIORITIES = Object.freeze(['critical', 'high', 'normal', 'low'] as const);
export type Priority = (typeof PRIORITIES)[number];

export function priorityNumber(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

/** Resident memory of the process in one shared word, in units of 64 KiB, so that one Int32 holds 128 TiB. */
const MEMORY_UNIT_BYTES = 65_536;

/** @returns  The word. Made once, by main. */
export function createMemoryWord(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** To be called every 250 ms where `memoryBytes` is not 0. Threads: main. @param bytes  Resident memory. */
export function writeMemory(word: Int32Array, bytes: number): void {
  Atomics.store(word, 0, Math.ceil(bytes / MEMORY_UNIT_BYTES));
}

/** Share of the way to a delay that is longer than the smoothed one, and to a shorter one, per tick. */
const ATTACK = 0.5;
const DECAY = 0.1;
/**
 * Begins at the threshold, ends below this share of it, so that shedding does not flicker; is at its worst at twice the
 * threshold.
 */
const DELAY_END = 0.75;
const DELAY_WORST = 2;
/** The same for memory, which moves slowly and has less room above. */
const MEMORY_END = 0.95;
const MEMORY_WORST = 1.1;
const RETRY_SECONDS_MIN = 1;
const RETRY_SECONDS_MAX = 10;

/**
 * Refuses the least important requests while this process is overloaded. The level of overload, 0 to 1, is the worse of
 * two: how late this thread's event loop is, and how much memory the process holds. Over its first third, low requests
 * are refused in growing share, over the second normal ones as well, over the last high ones; critical ones never.
 *
 * Threads: one instance each.
 */
export class Shedder {
  readonly #memory: Int32Array;
  readonly #random: () => number;
  #settings: SheddingSettings;
  #lastDelayMs = 0;
  #delayMs = 0;
  #isLate = false;
  #isFull = false;
  #level = 0;
  /** Share that is refused, by number of priority. */
  readonly #shares = new Float64Array(PRIORITIES.length);

  /**
   * @param memory  From `createMemoryWord`, the same for all threads.
   * @param random  0 <= random() < 1.
   */
  constructor(settings: SheddingSettings, memory: Int32Array, random: () => number = Math.random) {
    this.#settings = settings;
    this.#memory = memory;
    this.#random = random;
  }

  /** 0 for no overload, 1 for the worst. */
  get level(): number {
    return this.#level;
  }

  /** Goes on with other settings, from the next tick on. */
  change(settings: SheddingSettings): void {
    this.#settings = settings;
  }

  /**
   * To be called at each tick, about 50 ms apart. A delay counts when the one before it was as long: a single long tick
   * sheds nothing.
   *
   * @param delayMs  How late the tick was, milliseconds >= 0.
   */
  loopDelay(delayMs: number): void {
    const lasting = Math.min(delayMs, this.#lastDelayMs);
    this.#lastDelayMs = delayMs;
    this.#delayMs += (lasting - this.#delayMs) * (lasting > this.#delayMs ? ATTACK : DECAY);
    const { loopDelayMs, memoryBytes } = this.#settings;
    const delay = loopDelayMs === 0 ? 0 : this.#delayMs / loopDelayMs;
    this.#isLate = delay >= (this.#isLate ? DELAY_END : 1);
    const memory = memoryBytes === 0 ? 0 : ((this.#memory[0] as number) * MEMORY_UNIT_BYTES) / memoryBytes;
    this.#isFull = memory >= (this.#isFull ? MEMORY_END : 1);
    this.#level = Math.max(
      this.#isLate ? part(delay, DELAY_END, DELAY_WORST) : 0,
      this.#isFull ? part(memory, MEMORY_END, MEMORY_WORST) : 0,
    );
    for (let priority = 1; priority < PRIORITIES.length; priority += 1) {
      const third = PRIORITIES.length - 1 - priority;
      this.#shares[priority] = Math.min(1, Math.max(0, this.#level * (PRIORITIES.length - 1) - third));
    }
  }

  /** Whether this request is refused: SP_SHED. @param priority  From `priorityNumber`. */
  sheds(priority: number): boolean {
    if (this.#level === 0) return false;
    return this.#random() < (this.#shares[priority] as number);
  }

  /** Whole seconds for Retry-After: the longer the worse it is, and not the same for all. */
  retryAfterSeconds(): number {
    const longest = RETRY_SECONDS_MIN + this.#level * (RETRY_SECONDS_MAX - RETRY_SECONDS_MIN);
    return Math.ceil(longest * (0.5 + this.#random() / 2));
  }
}

/** How far `value` is on the way from `from` to `to`, 0 to 1. */
function part(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}
