// hot path: synchronous, never throws
import { THREADS_MAX } from '../limits.ts';
import {
  KEY_SLOTS,
  keyWord,
  LOWEST,
  LOWEST_WAITS,
  NEXT_STRIPE,
  ROUND,
  ROUND_MASK,
  rowWord,
  stripeWord,
  THREADS_WORD,
  WAITING,
} from './layout.ts';

/** A keyed hash of a text into 64 bits, left in `high` and `low`. */
export interface KeyHasher {
  readonly high: number;
  readonly low: number;
  /** @param salt  32 bits that tell uses of one text apart. */
  hash(text: string, salt: number): void;
}

/** What the rounds need to know of a key. */
export interface HashedKey {
  readonly high: number;
  readonly low: number;
}

/** Neighbours among which a key finds its slot: four words lie in one cache line. */
const PROBES = 4;
/** Rounds that one key can be ahead of the others by itself: one request at the head of its queue in each thread. */
const HEADS_MAX = THREADS_MAX;

/**
 * Who is next, over all threads: start-time fair queueing in whole rounds. Each key has one request a round; a thread
 * takes a round for the first request of each of its keys, so a key with connections on two threads takes the rounds by
 * turns there and has no more of them.
 *
 * The next round of a key is one word, found by its hash; one compare-exchange takes it. A word whose round is over
 * says nothing any more and belongs to whoever comes. Two keys meet in one word only when four neighbours are in use or
 * when 22 bits of a secret hash agree: then they share one share.
 *
 * Threads: any number, one instance each. Source: P. Goyal, H. Vin, H. Cheng, Start-time Fair Queueing (1996).
 */
export class Rounds {
  readonly #words: Int32Array;
  readonly #threadIndex: number;
  readonly #round: number;
  readonly #first: number;
  readonly #own: number;
  readonly #lag: number;

  /**
   * @param tolerance  Rounds that a thread may run ahead of the others: permits of the time that another one may sleep.
   */
  constructor(words: Int32Array, threadIndex: number, row: number, tolerance: number) {
    this.#words = words;
    this.#threadIndex = threadIndex;
    this.#round = rowWord(row) + ROUND;
    this.#first = stripeWord(0, row);
    this.#own = stripeWord(threadIndex, row);
    this.#lag = 2 * tolerance + 2;
  }

  /**
   * Where a key that has nothing waiting here begins: with the lowest that waits anywhere, or where all are through.
   * A thread that sleeps cannot hold this back by more than twice the tolerance.
   *
   * @param ownLowest  Lowest round that waits in this thread; -1 for none.
   */
  floor(ownLowest: number): number {
    const served = this.#words[this.#round] as number;
    const others = this.lowestElsewhere();
    let lowest = ownLowest;
    if (others !== -1 && (lowest === -1 || roundsBetween(lowest, others) < 0)) lowest = others;
    return lowest === -1 ? served : later(lowest, this.#earliest(served));
  }

  /** Where a key goes on whose last round here was `round`. */
  after(round: number): number {
    return later((round + 1) & ROUND_MASK, this.#earliest(this.#words[this.#round] as number));
  }

  /** The round that `take` would give. */
  peek(key: HashedKey, from: number): number {
    const word = this.#words[this.#slotOf(key)] as number;
    return this.#next(word, from);
  }

  /** Takes the key's next round, not before `from`. */
  take(key: HashedKey, from: number): number {
    for (;;) {
      const slot = this.#slotOf(key);
      const word = Atomics.load(this.#words, slot);
      const round = this.#next(word, from);
      const next = idOf(key) | ((round + 1) & ROUND_MASK);
      if (Atomics.compareExchange(this.#words, slot, word, next) === word) return round;
    }
  }

  /**
   * Gives back a round that was not used. If the key has taken others since in other threads, they stay as they are and
   * the next one is given out twice, once for the hole: or who enters and leaves would set others of its key back.
   */
  giveBack(key: HashedKey): void {
    const id = idOf(key);
    for (;;) {
      const slot = this.#slotOf(key);
      const word = Atomics.load(this.#words, slot);
      if ((word & ~ROUND_MASK) !== id || !this.#isLive(word, this.#words[this.#round] as number)) return;
      const former = id | (((word & ROUND_MASK) - 1) & ROUND_MASK);
      if (Atomics.compareExchange(this.#words, slot, word, former) === word) return;
    }
  }

  /** A request of this round was admitted. */
  served(round: number): void {
    let served = Atomics.load(this.#words, this.#round);
    while (roundsBetween(served, round) > 0) {
      const seen = Atomics.compareExchange(this.#words, this.#round, served, round);
      if (seen === served) return;
      served = seen;
    }
  }

  /** Lowest round that waits in other threads; -1 for none. */
  lowestElsewhere(): number {
    const words = this.#words;
    const threads = words[THREADS_WORD] as number;
    let lowest = -1;
    let at = this.#first + LOWEST;
    for (let thread = 0; thread < threads; thread += 1) {
      const word = words[at] as number;
      at += NEXT_STRIPE;
      if (word === 0 || thread === this.#threadIndex) continue;
      const round = word & ROUND_MASK;
      if (lowest === -1 || roundsBetween(lowest, round) < 0) lowest = round;
    }
    return lowest;
  }

  /** Tells the other threads. @param lowest  Lowest round that waits here; -1 for none. @param waiting  Requests. */
  publish(lowest: number, waiting: number): void {
    Atomics.store(this.#words, this.#own + LOWEST, lowest === -1 ? 0 : LOWEST_WAITS | lowest);
    this.#words[this.#own + WAITING] = waiting;
  }

  #earliest(served: number): number {
    return (served - this.#lag) & ROUND_MASK;
  }

  #next(word: number, from: number): number {
    const served = this.#words[this.#round] as number;
    const shared = word & ROUND_MASK;
    // Somebody else's word is passed on only while all neighbours are in use: then the two share it.
    const round = this.#isLive(word, served) && roundsBetween(from, shared) > 0 ? shared : from;
    return roundsBetween(served, round) > HEADS_MAX + this.#lag ? (served + HEADS_MAX + this.#lag) & ROUND_MASK : round;
  }

  #isLive(word: number, served: number): boolean {
    if (word === 0) return false;
    const ahead = roundsBetween(served, word & ROUND_MASK);
    return ahead > -this.#lag && ahead <= HEADS_MAX + this.#lag + 1;
  }

  /** The key's own word, else one that is free, else that of its first neighbour. */
  #slotOf(key: HashedKey): number {
    const words = this.#words;
    const home = key.low & (KEY_SLOTS - 1) & -PROBES;
    const served = words[this.#round] as number;
    const id = idOf(key);
    let free = -1;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const at = keyWord(home | ((key.low + probe) & (PROBES - 1)));
      const word = words[at] as number;
      const isLive = this.#isLive(word, served);
      if (isLive && (word & ~ROUND_MASK) === id) return at;
      if (!isLive && free === -1) free = at;
    }
    return free === -1 ? keyWord(key.low & (KEY_SLOTS - 1)) : free;
  }
}

/** From `from` to `to` modulo 2^24: the spare bits are shifted out so that the sign is right. */
export function roundsBetween(from: number, to: number): number {
  return ((to - from) << 8) >> 8;
}

function later(one: number, other: number): number {
  return roundsBetween(one, other) > 0 ? other : one;
}

function idOf(key: HashedKey): number {
  return key.high & ~ROUND_MASK;
}
