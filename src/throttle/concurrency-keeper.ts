import { SallyportError } from '../errors.ts';
import { CONCURRENCY_ROWS_MAX } from '../limits.ts';
import {
  BUCKETS,
  bucketStartMs,
  createConcurrencyWords,
  EPOCH,
  LIMIT,
  latencyWord,
  NEXT_STRIPE,
  REFUSED,
  rowWord,
  stripeWord,
  THREADS_WORD,
  UNDER_WAY,
} from './concurrency-layout.ts';
import { type AdaptiveSettings, GradientLimit, type Latencies } from './gradient.ts';
import { RestingRows } from './rows.ts';

/** What `concurrency` of a route or upstream says. */
export interface ConcurrencySettings extends AdaptiveSettings {
  readonly mode: 'off' | 'fixed' | 'adaptive';
}

/** A bound that is not off. */
export interface ConcurrencyPlan {
  /** `route:NAME` or `upstream:NAME`: who has that name keeps its count over reloads. */
  readonly name: string;
  readonly settings: ConcurrencySettings;
}

/** Threads take a new configuration within seconds. */
const REST_MS = 60_000;

/**
 * The concurrency table on the main thread: made here, rows given out here, limits set here.
 *
 * Threads: main only.
 */
export class ConcurrencyKeeper {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #random: () => number;
  readonly #rows = new RestingRows(CONCURRENCY_ROWS_MAX, REST_MS, (row) => this.underWay(row) !== 0);
  readonly #adaptive = new Map<number, AdaptiveRow>();

  /** @param threads  Ingress threads. @param random  For the jitter of measurements: 0 <= random() < 1. */
  constructor(threads: number, random: () => number = Math.random) {
    this.words = createConcurrencyWords(threads);
    this.#random = random;
  }

  /**
   * Rows and limits of a configuration, before any thread hears of it. After a reload that was refused, call it with
   * the former plans again.
   *
   * @param plans  Those whose mode is not off, each name once.
   * @returns  Row by name.
   * @throws  SallyportError SP_CONFIG when there are more than CONCURRENCY_ROWS_MAX.
   */
  assign(plans: readonly ConcurrencyPlan[], steadyMs: number): ReadonlyMap<string, number> {
    const rows = this.#rows.assign(new Set(plans.map(({ name }) => name)), steadyMs, (_name, row) => {
      this.#adaptive.delete(row);
    });
    if (rows === null) {
      throw new SallyportError(
        'SP_CONFIG',
        `concurrency: ${plans.length} routes and upstreams have a bound; there is room for ${CONCURRENCY_ROWS_MAX}, ` +
          'those of the last minute included: bound the upstream instead of each route, or reload a minute later',
      );
    }
    const wanted = new Set(rows.values());
    for (const row of this.#adaptive.keys()) if (!wanted.has(row)) this.#adaptive.delete(row);
    for (const { name, settings } of plans) this.#set(rows.get(name) as number, settings, steadyMs);
    return rows;
  }

  /** Sets the limits anew where it is time. To be called every 50 ms or so. */
  tick(steadyMs: number): void {
    for (const row of this.#adaptive.values()) row.tick(steadyMs);
  }

  /** Whether `tick` has anything to do. */
  get isAdaptive(): boolean {
    return this.#adaptive.size > 0;
  }

  limit(row: number): number {
    return this.words[rowWord(row) + LIMIT] as number;
  }

  /** Requests under way, all threads. */
  underWay(row: number): number {
    return sumOf(this.words, stripeWord(0, row) + UNDER_WAY);
  }

  /** Latency without load, milliseconds; 0 where none was measured or the bound is fixed. */
  minRttMs(row: number): number {
    return this.#adaptive.get(row)?.gradient.minRttMs ?? 0;
  }

  /** Forgets what a dead thread had under way. To be called after it ended and before its successor starts. */
  clearThread(threadIndex: number): void {
    for (let row = 0; row < CONCURRENCY_ROWS_MAX; row += 1) {
      Atomics.store(this.words, stripeWord(threadIndex, row) + UNDER_WAY, 0);
    }
  }

  #set(row: number, settings: ConcurrencySettings, steadyMs: number): void {
    const adaptive = this.#adaptive.get(row);
    if (settings.mode !== 'adaptive') {
      this.#adaptive.delete(row);
      Atomics.store(this.words, rowWord(row) + LIMIT, settings.max);
    } else if (adaptive === undefined) {
      this.#adaptive.set(row, new AdaptiveRow(this.words, row, new GradientLimit(settings, steadyMs, this.#random)));
    } else {
      adaptive.change(settings);
    }
  }
}

/** One row with its limit: what threads sampled goes in, the limit comes out. */
class AdaptiveRow implements Latencies {
  readonly gradient: GradientLimit;
  readonly #words: Int32Array;
  readonly #row: number;
  /** Sums over all threads when they were last reset, and since then. */
  readonly #before = new Int32Array(BUCKETS);
  readonly #since = new Int32Array(BUCKETS);
  #refusedBefore: number;

  constructor(words: Int32Array, row: number, gradient: GradientLimit) {
    this.#words = words;
    this.#row = row;
    this.gradient = gradient;
    this.#refusedBefore = sumOf(words, stripeWord(0, row) + REFUSED);
    this.reset();
    this.#publish();
  }

  change(settings: AdaptiveSettings): void {
    this.gradient.change(settings);
    this.#publish();
  }

  tick(steadyMs: number): void {
    this.#read();
    const at = stripeWord(0, this.#row);
    const refused = sumOf(this.#words, at + REFUSED);
    this.gradient.tick(steadyMs, this, {
      underWay: sumOf(this.#words, at + UNDER_WAY),
      refused: (refused - this.#refusedBefore) | 0,
    });
    this.#refusedBefore = refused;
    this.#publish();
  }

  get count(): number {
    return this.#since.reduce((sum, count) => sum + count, 0);
  }

  medianMs(): number {
    let rest = this.count / 2;
    let bucket = 0;
    while (bucket < BUCKETS - 1 && rest > (this.#since[bucket] as number)) {
      rest -= this.#since[bucket] as number;
      bucket += 1;
    }
    const start = bucketStartMs(bucket);
    return start + ((bucketStartMs(bucket + 1) - start) * rest) / Math.max(1, this.#since[bucket] as number);
  }

  reset(): void {
    this.#read();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#before[bucket] = (this.#before[bucket] as number) + (this.#since[bucket] as number);
    }
    this.#since.fill(0);
  }

  #read(): void {
    const first = latencyWord(0, this.#row);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#since[bucket] = sumOf(this.#words, first + bucket) - (this.#before[bucket] as number);
    }
  }

  #publish(): void {
    const at = rowWord(this.#row);
    // Requests that began while more was allowed say nothing of the latency without load.
    if (this.gradient.isMeasuring) {
      Atomics.store(this.#words, at + EPOCH, Math.ceil(this.gradient.measuringSinceMs) | 0);
    }
    Atomics.store(this.#words, at + LIMIT, this.gradient.limit);
  }
}

/** Sum of one word over all threads, modulo 2^32. */
function sumOf(words: Int32Array, first: number): number {
  const threads = words[THREADS_WORD] as number;
  let sum = 0;
  for (let thread = 0; thread < threads; thread += 1) {
    sum = (sum + Atomics.load(words, first + thread * NEXT_STRIPE)) | 0;
  }
  return sum;
}
