import { REDIS_UP } from './layout.ts';

/** Where changes are told. */
export interface StateLog {
  readonly info: (context: object, message: string) => void;
  readonly warn: (context: object, message: string) => void;
}

/** Longest lag is that of the last one to two spans of this length. */
const LAG_SPAN_MS = 15_000;

/**
 * Whether counts reach other machines: in the shared table for all threads, in the log once per change, and in figures
 * for metrics.
 *
 * Threads: main only; others read `isUp` of their own instance.
 */
export class RedisState {
  /** Exchanges since the start that succeeded and that failed. */
  exchanges = 0;
  failures = 0;
  /** Counts sent. */
  counts = 0;
  /** Times that Redis was lost. */
  fallbacks = 0;
  /** Times that the shared clock was set by more than a window's worth of drift: see `SharedClock`. */
  clockSteps = 0;
  /** Of the last exchange that succeeded, milliseconds. */
  roundTripMs = 0;
  readonly #words: Int32Array;
  readonly #log: StateLog;
  #isKnown = false;
  #spanStartMs = 0;
  #lagMs = 0;
  #lagBeforeMs = 0;

  constructor(words: Int32Array, log: StateLog) {
    this.#words = words;
    this.#log = log;
  }

  get isUp(): boolean {
    return Atomics.load(this.#words, REDIS_UP) === 1;
  }

  /** Longest time of late from a count to the answer of the exchange that carried it, milliseconds. */
  get lagMs(): number {
    return Math.max(this.#lagMs, this.#lagBeforeMs);
  }

  /** An exchange succeeded. @param lagMs  Since the start of the one before it. */
  up(roundTripMs: number, lagMs: number, counts: number, nowMs: number): void {
    this.exchanges += 1;
    this.counts += counts;
    this.roundTripMs = roundTripMs;
    this.#noteLag(lagMs, nowMs);
    if (this.isUp) return;
    Atomics.store(this.#words, REDIS_UP, 1);
    this.#log.info({}, this.#isKnown ? 'Redis answers again: counts are shared' : 'Redis answers: counts are shared');
    this.#isKnown = true;
  }

  /** An exchange failed, or a first one takes too long. @param cause  Goes to the log when this is news. */
  down(cause: unknown): void {
    this.failures += 1;
    if (this.#isKnown && !this.isUp) return;
    this.#isKnown = true;
    Atomics.store(this.#words, REDIS_UP, 0);
    this.fallbacks += 1;
    this.#log.warn(
      { err: cause },
      'Redis does not answer: policies with whenRedisFails: refuse refuse, others count here alone',
    );
  }

  #noteLag(lagMs: number, nowMs: number): void {
    if (nowMs - this.#spanStartMs > LAG_SPAN_MS) {
      this.#lagBeforeMs = nowMs - this.#spanStartMs > 2 * LAG_SPAN_MS ? 0 : this.#lagMs;
      this.#lagMs = 0;
      this.#spanStartMs = nowMs;
    }
    this.#lagMs = Math.max(this.#lagMs, lagMs);
  }
}
