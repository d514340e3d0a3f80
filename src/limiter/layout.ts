/**
 * The table in which all threads count. Word numbers live here only; one word is an Int32.
 *
 * ```
 *  word 0          32           96               end of the last bucket
 *  | header       | bucket 0   | bucket 1   | ... | a bit per slot: counted in since the last exchange
 *  |  0 buckets   |  0.. 7  id, high half, of slots 0 to 7; FREE, TAKEN or the id's
 *  |  1 seed      |  8..15  id, low half
 *  |  2 seed      | 16..47  four words for each slot:
 *  |  3 in use    |         0  count of the even window
 *  |  4 found full|         1  count of the odd window
 *  |  5 reclaimed |         2  tick at which both windows have passed
 *  |  6 base      |         3  length of the window, milliseconds, unsigned
 *  |  7 base      | 48      lock of the bucket: odd while it is held, one more with every step
 *  |  8 shift     | 49..63  unused: a bucket fills four cache lines of 64 bytes
 *  |  9 Redis     |
 *  | 10 seed, name|
 *  | 11 seed, name|
 *  | 16 newest    |
 * ```
 *
 * A decision touches two cache lines of a bucket: the one with the ids and the one with the slot's four words.
 *
 * A key has two buckets it may live in and, once the first is half full, takes the emptier one: up to seven tenths of
 * the table no key finds both full, at eight tenths one in 3,000 does, at nine tenths one in 100. Its ids are all it
 * leaves here: 64 bits of a hash with a secret seed.
 *
 * A count is one word, so that one compare-exchange makes a decision:
 *
 * ```
 *  bit 31   30 ... 24              23 ... 0
 *  1        half the window's      count
 *           number, modulo 128
 * ```
 *
 * Even and odd windows have words of their own: in window n only the word of n's parity is written, and the other one
 * holds window n-1 if its number says so, else nothing. Nothing is ever moved, so there is nothing to tear. A number
 * comes again after 256 windows; the tick tells by then that the words are stale.
 *
 * The newest tick is the latest at which any thread opened a window or took a slot back; it has a cache line of its
 * own, since every decision reads it. A thread that was held up between reading its clock and counting, and is more
 * than a tick behind it, goes by the newest tick: else it could take words for its own that came a turn of 256 windows
 * later, or claim a slot anew whose counts it still had to see.
 *
 * Who may write what, with any number of threads:
 *
 * - Counts: anyone, by compare-exchange, no lock. It holds only if the other window's word is the same before and
 *   after; else it is taken back and made anew. So each decision saw both words as they were at one moment, and the
 *   count of a window is final once the next one has begun.
 * - The tick: anyone, forwards only, before the first count of a window is written.
 * - The newest tick: anyone, forwards only, before a window is opened and before a slot is taken back.
 * - Whose slot it is, and the words of a key that comes back after a pause: under the lock of its bucket. A key is
 *   claimed under the lock of its first bucket, and where that has little room of both, lower bucket first. Who takes
 *   a slot back writes TAKEN and then reads the tick; who opens a window moves the tick and then reads the id: one of
 *   the two sees the other.
 */
// For the functions below: an exported constant is read from memory with each use, these are compiled in.
const HEADER = 32;
const BUCKET = 64;
const SLOTS = 8;
const TAG_AT = 24;
const TICK = 100;

export const HEADER_WORDS = HEADER;
export const BUCKET_WORDS = BUCKET;
export const SLOTS_PER_BUCKET = SLOTS;

export const BUCKETS = 0;
export const SEED_0 = 1;
export const SEED_1 = 2;
export const IN_USE = 3;
export const FOUND_FULL = 4;
export const RECLAIMED = 5;
/** Clock of shared policies: see `SharedClock`. */
export const BASE_LOW = 6;
export const BASE_HIGH = 7;
export const SHIFT = 8;
/** 1 while counts reach other machines: see `RedisState`. */
export const REDIS_UP = 9;
/** Of the names that counts have in Redis: see `RedisName`. */
export const NAME_SEED_0 = 10;
export const NAME_SEED_1 = 11;
export const NEWEST = 16;

export const ID_HIGH = 0;
export const ID_LOW = 8;
export const LOCK = 48;

/** From `stateWord`. The parity of a window is the place of its count. */
export const EVEN = 0;
export const ODD = 1;
export const EXPIRES = 2;
export const WINDOW_MS = 3;
export const STATES = 16;
export const STATE_WORDS = 4;

/** High halves of an id that are no id. TAKEN is left behind only by a thread that died with the lock. */
export const FREE = 0;
export const TAKEN = 1;

export const COUNT_BITS = TAG_AT;
/** Bits left of a signed number of 7 bits in a word. */
const TAG_SHIFT = 25;
export const COUNT_MASK = 0xff_ffff;
/** Bit 31, as it stands right of the count: no window's word is 0. */
const TAG_VALID = 0x80;
const TAG_MASK = 0x7f;
/** A window's number counts as far as tag and parity tell it. */
export const TURN_MASK = 0xff;
/** Milliseconds of a tick: 2^32 of them are 13 years of uptime. */
export const TICK_MS = TICK;

/** No slot: both buckets of the key are full of keys in use. */
export const NO_ROOM = -1;
/** Ticks that a thread may be behind the newest one. A slot is kept for one more than that. */
export const LAG_MAX = 1;

/** Most a counter counts: the schema's largest limit leaves room above it for penalties. */
export const COUNT_MAX = COUNT_MASK;

/**
 * @param slots     Counters wanted; rounded up to a power of two.
 * @param steadyMs  Steady clock, milliseconds; the table's clock goes forwards from there.
 * @returns  A table without counts; see `LimiterTable`.
 */
export function createLimiterWords(slots: number, steadyMs: number): Int32Array<SharedArrayBuffer> {
  const buckets = 2 ** Math.ceil(Math.log2(Math.max(1, slots / SLOTS_PER_BUCKET)));
  const marks = Math.ceil((buckets * SLOTS_PER_BUCKET) / 32);
  const bytes = (bucketWord(buckets) + marks) * Int32Array.BYTES_PER_ELEMENT;
  const words = new Int32Array(new SharedArrayBuffer(bytes));
  words[BUCKETS] = buckets;
  words[NEWEST] = tickOf(steadyMs);
  return words;
}

/** What stands left of a window's count. @param turn  Number of the window, modulo 256. */
export function tagOf(turn: number): number {
  return TAG_VALID | ((turn >> 1) & TAG_MASK);
}

/** Word of a window in which nothing is counted yet. */
export function emptyWord(turn: number): number {
  return tagOf(turn) << TAG_AT;
}

/** The tick that a steady clock is in, modulo 2^32: differences are right across the wrap. */
export function tickOf(steadyMs: number): number {
  return Math.floor(steadyMs / TICK) | 0;
}

/** Half the windows from `tag` to that of a window's word: -64 to 63. */
export function stepsBetween(word: number, tag: number): number {
  return (((word >>> TAG_AT) - tag) << TAG_SHIFT) >> TAG_SHIFT;
}

/** First word of a bucket. */
export function bucketWord(bucket: number): number {
  return HEADER + bucket * BUCKET;
}

/** First of the four words of a slot; a multiple of four. */
export function stateWord(slot: number): number {
  return slot + STATES + (slot & (SLOTS - 1)) * (STATE_WORDS - 1);
}

/** Number of a slot, from 0: its bit among the marks. Words of header and bucket are multiples of eight. */
export function slotNumber(slot: number): number {
  const index = slot & (SLOTS - 1);
  return ((slot - index - HEADER) / BUCKET) * SLOTS + index;
}

/** The slot of a number, the other way round. */
export function slotOfNumber(number: number): number {
  const index = number & (SLOTS - 1);
  return bucketWord((number - index) / SLOTS) + index;
}
