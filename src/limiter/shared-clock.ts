// hot path: synchronous, never throws
import { BASE_HIGH, BASE_LOW, SHIFT } from './layout.ts';

/** Farthest that the clock can be set from where it started: 31 bits of milliseconds, 24 days. */
export const SHIFT_MS_MAX = 2 ** 31 - 1;

/**
 * The clock that numbers the windows of policies shared between machines: Redis's, as the process that talks to it
 * knows it, and this machine's wall clock until then. Between two settings it runs with the steady clock, so that
 * whoever sets this machine's clock changes nothing.
 *
 * Threads: `set` on the main thread; read by all.
 */
export class SharedClock {
  readonly #words: Int32Array;
  readonly #base: number;

  /** @param words  Limiter table, on which `start` was called. */
  constructor(words: Int32Array) {
    this.#words = words;
    this.#base = ((words[BASE_HIGH] as number) >>> 0) * 2 ** 32 + ((words[BASE_LOW] as number) >>> 0);
  }

  /** Writes the base into a new table, once, before any thread reads it. */
  static start(words: Int32Array, wallMs: number, steadyMs: number): void {
    const base = Math.round(wallMs - steadyMs);
    words[BASE_LOW] = base | 0;
    words[BASE_HIGH] = Math.floor(base / 2 ** 32) | 0;
  }

  /** What to add to the steady clock: whole milliseconds. */
  get shiftMs(): number {
    return this.#base + Atomics.load(this.#words, SHIFT);
  }

  /** @returns  Milliseconds since 1970 by the shared clock. */
  at(steadyMs: number): number {
    return steadyMs + this.shiftMs;
  }

  /**
   * Sets the clock: it showed `wallMs` when the steady clock showed `steadyMs`.
   *
   * @returns  False, and nothing is set, when that is farther than `SHIFT_MS_MAX` from where it started.
   */
  set(wallMs: number, steadyMs: number): boolean {
    const shift = Math.round(wallMs - steadyMs - this.#base);
    if (!(Math.abs(shift) <= SHIFT_MS_MAX)) return false;
    Atomics.store(this.#words, SHIFT, shift);
    return true;
  }
}
