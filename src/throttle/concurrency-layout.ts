import { CONCURRENCY_ROWS_MAX, THREADS_MAX } from '../limits.ts';

/**
 * The table that all threads share about concurrency. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0       16          32                 stripe 0                                       stripe 1
 *  | header    | row 0     | row 1     | ...  | row 0, row 1, ... | latencies of row 0, 1 ... | ...
 *  |  0 threads|  0 limit  |           |      |  0 under way      |  176 buckets
 *  |           |  1 epoch  |           |      |  1 refused        |
 * ```
 *
 * A row is one route or upstream and fills a cache line. Stripes have one writer, the thread of that number.
 *
 * limit      most requests under way over all threads; written by main.
 * epoch      steady clock, milliseconds modulo 2^32: latencies of requests that began before it are not counted.
 * under way  goes up and down; refused and latencies only up, modulo 2^32: readers look at what came since last time.
 * latencies  eight buckets for each power of two, so that a bucket is 6 to 12 % wide; the first eight are 1/64 ms each.
 */
const HEADER_WORDS = 16;
const ROW_WORDS = 16;
const STRIPES_AT = HEADER_WORDS + ROW_WORDS * CONCURRENCY_ROWS_MAX;
const STRIPE_ROW_WORDS = 2;
const LATENCIES_AT = STRIPE_ROW_WORDS * CONCURRENCY_ROWS_MAX;
/** The last one begins at 246 s. */
export const BUCKETS = 176;
const STRIPE_WORDS = LATENCIES_AT + BUCKETS * CONCURRENCY_ROWS_MAX;

export const LIMIT = 0;
export const EPOCH = 1;
export const UNDER_WAY = 0;
export const REFUSED = 1;
export const THREADS_WORD = 0;
export const NEXT_STRIPE = STRIPE_WORDS;

const PER_MS = 64;
const LATENCY_MAX = 2 ** 24 - 1;

/**
 * @param threads  Ingress threads, 1 <= threads <= THREADS_MAX.
 * @returns  A zeroed table, 0.8 MB of address space per thread of which only the pages in use take memory.
 * @throws  RangeError for a number of threads out of range: a bug of the caller.
 */
export function createConcurrencyWords(threads: number): Int32Array<SharedArrayBuffer> {
  if (!Number.isInteger(threads) || threads < 1 || threads > THREADS_MAX) throw new RangeError(`threads: ${threads}`);
  const words = new Int32Array(
    new SharedArrayBuffer((STRIPES_AT + STRIPE_WORDS * threads) * Int32Array.BYTES_PER_ELEMENT),
  );
  words[THREADS_WORD] = threads;
  return words;
}

/** First word of a row. @param row  0 <= row < CONCURRENCY_ROWS_MAX. */
export function rowWord(row: number): number {
  return HEADER_WORDS + row * ROW_WORDS;
}

/** First word of a row in a thread's stripe; the next thread's is NEXT_STRIPE words on. */
export function stripeWord(threadIndex: number, row: number): number {
  return STRIPES_AT + threadIndex * STRIPE_WORDS + row * STRIPE_ROW_WORDS;
}

/** First of a row's BUCKETS in a thread's stripe; the next thread's is NEXT_STRIPE words on. */
export function latencyWord(threadIndex: number, row: number): number {
  return STRIPES_AT + threadIndex * STRIPE_WORDS + LATENCIES_AT + row * BUCKETS;
}

/** @param latencyMs  Any number; below 0 and not-a-number count as 0. */
export function bucketOf(latencyMs: number): number {
  const units = latencyMs > 0 ? Math.min(LATENCY_MAX, Math.floor(latencyMs * PER_MS)) : 0;
  if (units < 8) return units;
  const octave = 31 - Math.clz32(units);
  return (octave - 2) * 8 + ((units >> (octave - 3)) & 7);
}

/** Lower bound of a bucket, milliseconds; that of BUCKETS is the upper bound of the last one. */
export function bucketStartMs(bucket: number): number {
  if (bucket < 8) return bucket / PER_MS;
  return ((8 + (bucket & 7)) * 2 ** ((bucket >> 3) - 1)) / PER_MS;
}
