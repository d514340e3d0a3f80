/**
 * The table of persistent collections (`initcol`) that all threads share. Word numbers live here only; one word is an
 * Int32.
 *
 * ```
 *  word 0             16              16 + H         N entries of 9 words            B blocks of 16 words
 *  | header          | heads          | entry 0       | entry 1 | ...                | block 0 | block 1 | ...
 *  |  0 entries N    |  H a power of  |  0 id, high half                             |  0 next block, + 1
 *  |  1 heads H      |  two, H >= N:  |  1 id, low half                              |  1 to 15: 60 bytes of content
 *  |  2 blocks B     |  entry + 1     |  2 bytes of content; 0 for a free entry
 *  |  3 in use       |  that a chain  |  3 its first block, + 1
 *  |  4 lock, 4      |  begins with,  |  4 until when it is kept
 *  |    words, see   |  0 for none    |  5 checksum of the content
 *  |    src/base/    |                |  6 next in its chain, or free, + 1
 *  |    table-lock   |                |  7 updated next after it, + 1
 *  |  8 free entry   |                |  8 updated last before it, + 1
 *  |  9 free block   |
 *  | 10 free blocks  |     content:  | length | collection, NUL, its key | variable | variable | ...
 *  | 11 newest       |     variable: | length of name | of value | until when, 0 for ever | name | value |
 *  | 12 oldest       |                 2 bytes          2          4
 *  | 13 evicted      |
 *  | 14 refused      |
 *  | 15 torn         |
 * ```
 *
 * A collection is found through the head that the low half of its id names; the id is a hash with a secret seed, so
 * that nobody can crowd one chain, and the whole key is compared behind it. Its content is one run of bytes over as
 * many blocks as it needs, read and written whole: collections hold a handful of short variables, some 100 bytes.
 *
 * All happens under one lock, reading too, held for a microsecond or so. The checksum tells a content that a thread
 * left half written when it died: that collection is given up, all others stay.
 *
 * Times are seconds since 1970 as unsigned words, until 2106.
 */
export const HEADER_WORDS = 16;
export const ENTRY_WORDS = 9;
export const BLOCK_WORDS = 16;
/** Behind the word that names the next one. */
export const BLOCK_BYTES = (BLOCK_WORDS - 1) * Int32Array.BYTES_PER_ELEMENT;

export const ENTRIES = 0;
export const HEADS = 1;
export const BLOCKS = 2;
export const IN_USE = 3;
/** First word of the lock. */
export const LOCK = 4;
export const FREE_ENTRY = 8;
export const FREE_BLOCK = 9;
export const FREE_BLOCKS = 10;
/** Entry + 1, by when it was updated; 0 for none. */
export const NEWEST = 11;
export const OLDEST = 12;
/** Collections given up before their time, for want of room. */
export const EVICTED = 13;
/** Changes not made: the collection would be larger than `CONTENT_BYTES_MAX`. */
export const REFUSED = 14;
/** Collections given up since a thread died while it wrote them. */
export const TORN = 15;

export const ID_HIGH = 0;
export const ID_LOW = 1;
export const LENGTH = 2;
export const FIRST = 3;
export const UNTIL = 4;
export const CHECK = 5;
export const NEXT = 6;
export const NEWER = 7;
export const OLDER = 8;

/** The last second that a word can hold. */
export const LATEST = 0xffff_ffff;

/** Largest collection, key and names included: rules count and flag, and copying this much takes microseconds. */
export const CONTENT_BYTES_MAX = 8_192;
/** Blocks of the largest one. */
export const CONTENT_BLOCKS_MAX = Math.ceil(CONTENT_BYTES_MAX / BLOCK_BYTES);

/**
 * @param collectionsMax  Collections kept at once, >= 1.
 * @param bytesMax        For what they hold, in blocks of 64 bytes; at least two of the largest always fit.
 * @returns  An empty table: bytesMax, and 40 to 44 bytes for each collection.
 */
export function createCollectionWords(collectionsMax: number, bytesMax: number): Int32Array<SharedArrayBuffer> {
  const heads = 2 ** Math.ceil(Math.log2(collectionsMax));
  const blocks = Math.max(2 * CONTENT_BLOCKS_MAX, Math.ceil(bytesMax / (BLOCK_WORDS * Int32Array.BYTES_PER_ELEMENT)));
  const firstEntry = HEADER_WORDS + heads;
  const firstBlock = firstEntry + collectionsMax * ENTRY_WORDS;
  const length = firstBlock + blocks * BLOCK_WORDS;
  const words = new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
  words[ENTRIES] = collectionsMax;
  words[HEADS] = heads;
  words[BLOCKS] = blocks;
  for (let entry = 1; entry < collectionsMax; entry += 1)
    words[firstEntry + (entry - 1) * ENTRY_WORDS + NEXT] = entry + 1;
  for (let block = 1; block < blocks; block += 1) words[firstBlock + (block - 1) * BLOCK_WORDS] = block + 1;
  words[FREE_ENTRY] = 1;
  words[FREE_BLOCK] = 1;
  words[FREE_BLOCKS] = blocks;
  return words;
}
