/**
 * The table of revocations that all threads share. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0            16                            16 + 4 S
 *  | header         | half 0: S slots of 4 words  | half 1: likewise
 *  |  0 slots S     |  0 id, high half; 0 for a slot without one
 *  |  1 room        |  1 id, low half; of a slot without one: 0 never used, 1 used before
 *  |  2 in use      |  2 until when it holds
 *  |  3 turn        |  3 tokens issued until then; ALL for all
 *  |  4 generation  |
 *  |  5 tokens      |
 *  |  6 subjects    |
 *  |  7 clients     |
 *  |  8 keys        |
 * ```
 *
 * Only the main thread writes, so there is no lock; any thread reads at any time, and is right. A slot is looked for
 * from the place that the low half of its id names, one after the other, until one that was never used. Nothing that
 * stands in the table is moved, and a slot that was used stays used, so that a look never stops short of what it looks
 * for. When too many were used before, the other half is filled from anew, and the turn says that it is the one to
 * read: a look that the turn overtook is repeated.
 *
 * Ids are 64 bits of a hash with a secret seed: nobody can aim one thing at the place of another. Times are seconds
 * since 1970 as unsigned words, until 2106. The low half of an id is never 0, and the high half neither.
 */
export const HEADER_WORDS = 16;
export const SLOT_WORDS = 4;

export const SLOTS = 0;
export const ROOM = 1;
export const IN_USE = 2;
/** Bit 0 is the half to read; grows with each change of it. */
export const TURN = 3;
/** Changes with every change of the table. */
export const GENERATION = 4;
/** First of the counts by kind, in the order of `REVOCATION_KINDS`. */
export const OF_KIND = 5;

export const ID_HIGH = 0;
export const ID_LOW = 1;
export const UNTIL = 2;
export const ISSUED_UNTIL = 3;

/** `ISSUED_UNTIL` of a revocation that holds whenever a token was issued: the last second there is. */
export const ALL = 0xffff_ffff;
/** `ID_LOW` of a slot that was used before. */
export const REMOVED = 1;

/**
 * @param revocationsMax  Revocations that operators may make here. An eighth more fits, for what other machines make at
 *                        the same time.
 * @returns  An empty table: 32 bytes a slot, 1.5 to 3 slots for each revocation.
 */
export function createRevocationWords(revocationsMax: number): Int32Array<SharedArrayBuffer> {
  const room = revocationsMax + Math.ceil(revocationsMax / 8);
  const slots = 2 ** Math.ceil(Math.log2(room * 1.5));
  const length = HEADER_WORDS + 2 * slots * SLOT_WORDS;
  const words = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  words[SLOTS] = slots;
  words[ROOM] = room;
  return words;
}

/** 0 marks a slot without an id. */
export function highOf(high: number): number {
  return high | 0 || 1;
}

export function lowOf(low: number): number {
  return low | 0 || 2;
}
