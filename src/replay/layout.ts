/**
 * The table of proofs seen, which all threads share. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0            16              16 + H            N entries of 4 words
 *  | header         | heads          | entry 0        | entry 1 | ...
 *  |  0 entries N   |  H a power of  |  0 id, high half
 *  |  1 heads H     |  two, H >= N:  |  1 id, low half
 *  |  2 oldest      |  entry + 1     |  2 until when it is remembered
 *  |  3 in use      |  that a chain  |  3 next in its chain, + 1; 0 for none
 *  |  4 lock, 4     |  begins with,  |
 *  |    words, see  |  0 for none    |
 *  |    src/base/   |                |
 *  |    table-lock  |                |
 *  |  8 seen        |                |
 *  |  9 full        |                |
 *  | 10 alone       |                |
 * ```
 *
 * Entries are a ring: the oldest, and as many behind it as are in use. Each claim first takes a few from its old end
 * that are over, so that nobody ever sweeps. An id is found through the head that its low half names; it is 64 bits of
 * a hash with a secret seed, so that nobody can crowd one chain, nor make one proof pass for another.
 *
 * All happens under one lock, held for a fraction of a microsecond: whoever comes here has had a signature verified,
 * which takes a hundred times as long. Times are seconds since 1970 as unsigned words, until 2106.
 */
export const HEADER_WORDS = 16;
export const ENTRY_WORDS = 4;

export const ENTRIES = 0;
export const HEADS = 1;
export const OLDEST = 2;
export const IN_USE = 3;
/** First word of the lock. */
export const LOCK = 4;
/** Claims refused because the proof was there, and because the table was full. */
export const SEEN = 8;
export const FULL = 9;
/** Claims that held here alone, since Redis did not say what the other machines know. */
export const ALONE = 10;

export const ID_HIGH = 0;
export const ID_LOW = 1;
export const UNTIL = 2;
export const NEXT = 3;

/** @param replaysMax  Proofs remembered at once. @returns  An empty table: some 20 to 24 bytes for each. */
export function createReplayWords(replaysMax: number): Int32Array<SharedArrayBuffer> {
  const heads = 2 ** Math.ceil(Math.log2(replaysMax));
  const length = HEADER_WORDS + heads + replaysMax * ENTRY_WORDS;
  const words = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  words[ENTRIES] = replaysMax;
  words[HEADS] = heads;
  return words;
}
