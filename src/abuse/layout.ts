/**
 * The table of bans that all threads share. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0            16              16 + H           16 + H + N            N slots of 8 words
 *  | header         | heads          | heap           | slot 0            | slot 1 | ...
 *  |  0 slots N     |  H a power of  |  slots in use, |  0 id, high half; 0 for a free slot
 *  |  1 heads H     |  two, H >= N:  |  the one whose |  1 id, low half
 *  |  2 in use      |  slot + 1 that |  ban ends      |  2 tick at which the ban ends
 *  |  3 free list   |  a chain       |  first on top  |  3 tick until which its strikes are remembered
 *  |  4 lock, 4     |  begins with,  |                |  4 strikes: bans in a row
 *  |    words, see  |  0 for none    |                |  5 next in its chain, or in the free list, + 1
 *  |    src/base/   |                |                |  6 place in the heap
 *  |    table-lock  |                |                |  7 unused
 *  |  8 made room   |                |                |
 *  |  9 on the way  |                |                |
 *  | 10 untold      |                |                |
 * ```
 *
 * A key is found through the head that the low half of its id names. Ids are all that a key leaves here: 64 bits of a
 * hash with a secret seed, so that nobody can crowd one chain. A slot outlives its ban for as long as strikes are
 * remembered.
 *
 * Writing happens under one lock, since bans are rare: a request that ends in one has failed before, mostly dozens of
 * times. Reading takes no lock: the version is odd while somebody writes and moves on with each writing, so a look that
 * overlapped one is repeated; and a slot given to another key loses its id first, so that no look, however unlucky,
 * takes the ban of one key for that of another.
 *
 * A tick is 100 ms of the steady clock modulo 2^32: 13 years. Ticks are compared by their difference.
 */
export const HEADER_WORDS = 16;
export const SLOT_WORDS = 8;

export const SLOTS = 0;
export const HEADS = 1;
export const IN_USE = 2;
export const FREE_LIST = 3;
/** First word of the lock. */
export const LOCK = 4;
export const VERSION = 6;
export const TAKEN_LOCKS = 7;
export const MADE_ROOM = 8;
/** Messages about bans that the main thread has not heard yet. */
export const ON_THE_WAY = 9;
/** Bans that it was not told of. */
export const UNTOLD = 10;

export const ID_HIGH = 0;
export const ID_LOW = 1;
export const ENDS = 2;
export const REMEMBERED = 3;
export const STRIKES = 4;
export const NEXT = 5;
export const HEAP_AT = 6;

export const TICK_MS = 100;

/** @param bansMax  Slots: one per ban, and per ban of before that is remembered. @returns  An empty table. */
export function createBanWords(bansMax: number): Int32Array<SharedArrayBuffer> {
  const heads = 2 ** Math.ceil(Math.log2(bansMax));
  const length = HEADER_WORDS + heads + bansMax + bansMax * SLOT_WORDS;
  const words = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  words[SLOTS] = bansMax;
  words[HEADS] = heads;
  for (let slot = 0; slot < bansMax; slot += 1) {
    words[HEADER_WORDS + heads + bansMax + slot * SLOT_WORDS + NEXT] = slot + 1 === bansMax ? 0 : slot + 2;
  }
  words[FREE_LIST] = 1;
  return words;
}
