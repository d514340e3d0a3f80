import { TARGETS_MAX, THREADS_MAX } from '../limits.ts';

/**
 * The table that all threads share about upstream targets. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0        16          32                  16 + 16 x TARGETS_MAX
 *  | header     | slot 0    | slot 1    | ...   | stripe 0      | stripe 1 | ... | stripe THREADS_MAX (main) |
 *  |  0 threads |  0 passive              |     |  slot 0: requests, connections
 *  |            |  1 active               |     |  slot 1: requests, connections
 *  |            |  2 ejections in a row   |     |  ...
 *  |            |  3 end of the last one  |     |  one writer: the thread of that number
 *  |            |  4 ejections ever       |
 * ```
 *
 * A slot fills one cache line of 64 bytes, so that writing about one target does not slow readers of its neighbour. A
 * stripe is the two running counts of every slot for one thread: writers never share a line, readers add stripes up.
 * The last stripe belongs to the main thread, which sends no requests: it is never added.
 *
 * The passive word is the whole decision about ejection, so one compare-exchange makes it:
 *
 * ```
 *  bit 31      30        29 ... 0
 *  0           failures in a row, over all threads
 *  1           probing   end of the ejection, or of the probe's claim, in ticks
 * ```
 *
 * A tick is 100 ms. Ticks are a clock modulo 2^30 (3.4 years), so that any clock of any origin fits and nothing has to
 * be re-based; they are compared by their difference, and a time more than TICKS_AHEAD_MAX ahead is read as passed.
 * So neither the wrap nor a clock that was set back by days can hold a target out: what one sees, at worst, is a target
 * that nobody has asked for years looking ejected for one day.
 */
const HEADER_WORDS = 16;
const SLOT_WORDS = 16;
const STRIPES_AT = HEADER_WORDS + SLOT_WORDS * TARGETS_MAX;

export const THREADS_WORD = 0;
export const PASSIVE = 0;
export const ACTIVE = 1;
export const EJECTIONS = 2;
export const LAST_END = 3;
export const EJECTIONS_EVER = 4;
export const REQUESTS = 0;
export const CONNECTIONS = 1;

export const STRIPE_SLOT_WORDS = 2;
export const STRIPE_WORDS = STRIPE_SLOT_WORDS * TARGETS_MAX;

export const PASSIVE_OUT = 0x8000_0000 | 0;
export const PASSIVE_PROBING = 0x4000_0000;
export const TICKS_MASK = 0x3fff_ffff;
export const TICK_MS = 100;
/** Longest ejection the schema allows is a day; further ahead can only be a wrap or a clock set back. */
export const TICKS_AHEAD_MAX = 86_400_000 / TICK_MS + 1;

/** Thread number of the main thread: it judges (active checks) but sends no requests. */
export const MAIN_THREAD = -1;

/** @returns A zeroed table, 1.1 MB of address space of which only the pages in use take memory. Made once, by main. */
export function createTargetTable(): SharedArrayBuffer {
  return new SharedArrayBuffer((STRIPES_AT + STRIPE_WORDS * (THREADS_MAX + 1)) * Int32Array.BYTES_PER_ELEMENT);
}

/** First word of a slot. @param slot  0 <= slot < TARGETS_MAX. */
export function slotWord(slot: number): number {
  return HEADER_WORDS + slot * SLOT_WORDS;
}

/** First word of a thread's stripe. @param threadIndex  0 <= threadIndex < THREADS_MAX, or MAIN_THREAD. */
export function stripeWord(threadIndex: number): number {
  return STRIPES_AT + STRIPE_WORDS * (threadIndex === MAIN_THREAD ? THREADS_MAX : threadIndex);
}

/**
 * A thread's view of the table. The table remembers the highest thread number that ever opened it, so that sums run
 * over the stripes in use and not over all of them.
 *
 * @throws  RangeError for a table of another shape or a thread number out of range: both are bugs of the caller.
 */
export function openTargetTable(table: SharedArrayBuffer, threadIndex: number): Int32Array {
  const words = new Int32Array(table);
  if (words.length !== STRIPES_AT + STRIPE_WORDS * (THREADS_MAX + 1)) {
    throw new RangeError(
      `a target table has ${STRIPES_AT + STRIPE_WORDS * (THREADS_MAX + 1)} words, this ${words.length}`,
    );
  }
  if (!Number.isInteger(threadIndex) || threadIndex < MAIN_THREAD || threadIndex >= THREADS_MAX) {
    throw new RangeError(`thread number ${threadIndex} is not in -1..${THREADS_MAX - 1}`);
  }
  let threads = Atomics.load(words, THREADS_WORD);
  while (threads <= threadIndex) {
    const seen = Atomics.compareExchange(words, THREADS_WORD, threads, threadIndex + 1);
    if (seen === threads) break;
    threads = seen;
  }
  return words;
}
