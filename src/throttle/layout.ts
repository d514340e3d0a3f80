import { THREADS_MAX, THROTTLE_ROWS_MAX } from '../limits.ts';

/**
 * The table that all threads share about throttles. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0       16          32                        keys           stripes
 *  | header    | row 0     | row 1     | ...         | key slots    | stripe 0       | stripe 1 | ...
 *  |  0 threads|  0 permits            |             |  65,536      |  row 0: lowest, waiting
 *  |  1 seed   |  1 round              |             |              |  row 1: lowest, waiting
 *  |  2 seed   |                       |             |              |  one writer: the thread of that number
 * ```
 *
 * A row is one throttle (or one route's own, with perRoute) and fills a cache line.
 *
 * permits   theoretical arrival time of the next permit, in units of the throttle's own, modulo 2^32: see `permits.ts`.
 * round     highest round that was served, modulo 2^24: see `rounds.ts`.
 * key slot  bits 31..24 a part of the key's hash, bits 23..0 the round that this key may have next; 0 was never used.
 * lowest    bit 31 set and bits 23..0 the lowest round that waits in this thread, or 0 where nothing waits.
 * waiting   requests that wait in this thread.
 */
const HEADER_WORDS = 16;
const ROW_WORDS = 16;
const KEYS_AT = HEADER_WORDS + ROW_WORDS * THROTTLE_ROWS_MAX;
/**
 * Keys that want a permit at one moment have a slot each; the others' slots are stale and free for anybody. Far more
 * than wait at once: a table without room only makes keys share a share.
 */
export const KEY_SLOTS = 65_536;
const STRIPES_AT = KEYS_AT + KEY_SLOTS;
const STRIPE_ROW_WORDS = 2;
const STRIPE_WORDS = STRIPE_ROW_WORDS * THROTTLE_ROWS_MAX;
const TABLE_WORDS = STRIPES_AT + STRIPE_WORDS * THREADS_MAX;

export const THREADS_WORD = 0;
export const SEED_0 = 1;
export const SEED_1 = 2;
export const PERMITS = 0;
export const ROUND = 1;
export const LOWEST = 0;
export const WAITING = 1;
export const LOWEST_WAITS = 0x8000_0000 | 0;
export const ROUND_MASK = 0xff_ffff;
export const NEXT_STRIPE = STRIPE_WORDS;

/** @returns  A zeroed table, 1.4 MB of address space of which only the pages in use take memory. Made once, by main. */
export function createThrottleWords(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(TABLE_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** First word of a row. @param row  0 <= row < THROTTLE_ROWS_MAX. */
export function rowWord(row: number): number {
  return HEADER_WORDS + row * ROW_WORDS;
}

/** Word of a key slot. @param slot  0 <= slot < KEY_SLOTS. */
export function keyWord(slot: number): number {
  return KEYS_AT + slot;
}

/** First word of a row in a thread's stripe; the next thread's is NEXT_STRIPE words on. */
export function stripeWord(threadIndex: number, row: number): number {
  return STRIPES_AT + threadIndex * STRIPE_WORDS + row * STRIPE_ROW_WORDS;
}

/**
 * To be called by a thread before it uses the table, so that others look at its stripe.
 *
 * @throws  RangeError for a table of another shape or a thread number out of range: both are bugs of the caller.
 */
export function joinThrottles(words: Int32Array, threadIndex: number): void {
  if (words.length !== TABLE_WORDS)
    throw new RangeError(`a throttle table has ${TABLE_WORDS} words, this ${words.length}`);
  if (!Number.isInteger(threadIndex) || threadIndex < 0 || threadIndex >= THREADS_MAX) {
    throw new RangeError(`thread number ${threadIndex} is not in 0..${THREADS_MAX - 1}`);
  }
  let threads = Atomics.load(words, THREADS_WORD);
  while (threads <= threadIndex) {
    const seen = Atomics.compareExchange(words, THREADS_WORD, threads, threadIndex + 1);
    if (seen === threads) break;
    threads = seen;
  }
}
