import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

/** What one process, or one thread of it, is to measure. */
export interface Job {
  readonly name: 'hash' | 'shared' | 'rival' | 'heap';
  readonly threads: number;
  /** Addresses; a divisor of DECISIONS. */
  readonly keys: number;
  /** Per key and round. */
  readonly limit: number;
}

export interface Measured {
  readonly ns: number;
  /** Decisions admitted in one round, over all threads; equal in every round. */
  readonly admitted: number;
  /** Growth of the heap over a million decisions, without and with a collection behind them. */
  readonly allocatedBytes: number;
  readonly retainedBytes: number;
}

/** Of all threads, per round. */
export const DECISIONS = 409_600;
/** The best of them counts: on a shared machine the others measure the neighbours. */
export const ROUNDS = 10;
/** No window ends within a round. */
const WINDOW_MS = 60_000;
/** From round to round: by then all windows have passed, and the slots go to the keys of the next round. */
const ROUND_MS = 1_000_000;
export const SLOTS = 262_144;

/** The key of each decision: addresses as the front makes them, flat, each equally often, in random order. */
export function traffic(keys: number): readonly string[] {
  const addresses = Array.from({ length: keys }, (_, i) =>
    Buffer.from(`${10 + (i % 7)}.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).toString('latin1'),
  );
  const order = Array.from({ length: DECISIONS }, (_, i) => addresses[i % keys] as string);
  let state = 12_345;
  for (let i = DECISIONS - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const j = state % (i + 1);
    [order[i], order[j]] = [order[j] as string, order[i] as string];
  }
  return order;
}

/** A way to decide for one thread: what a request costs, without the gateway around it. */
export class Decider {
  readonly #hash = new KeyHash(0x1234_5678, 0x0bad_cafe);
  readonly #counter: SlidingWindow;
  readonly #keys: readonly string[];
  readonly #rule: { readonly limit: number; readonly windowMs: number };

  constructor(words: Int32Array, keys: readonly string[], limit: number) {
    this.#counter = new SlidingWindow(new LimiterTable(words));
    this.#keys = keys;
    this.#rule = { limit, windowMs: WINDOW_MS };
  }

  /**
   * The clock is that of the request, read once for all that it is used for; in whole milliseconds, since fractions of
   * the benchmark's own would be garbage.
   *
   * @returns  How many were admitted.
   */
  decide(from: number, to: number, round: number): number {
    const [hash, counter, keys, rule] = [this.#hash, this.#counter, this.#keys, this.#rule];
    let admitted = 0;
    for (let i = from; i < to; i += 1) {
      hash.hash(keys[i % DECISIONS] as string, round);
      const wholeMs = round * ROUND_MS + ((i - from) >> 13);
      counter.at(wholeMs, wholeMs);
      if (counter.take(hash.high, hash.low, rule, 1, false) === 0) admitted += 1;
    }
    return admitted;
  }
}
