// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import type { Candidates, Strategy } from './candidates.ts';

/** Draws for a candidate that fits before all are looked at: with half of the targets out, 1 in 16 picks gets there. */
const DRAWS_MAX = 4;

/**
 * Power of two choices: a target drawn by weight against any other, and the one with fewer requests under way for its
 * weight wins. Requests are those of all threads, read at this moment. Two random choices avoid both the queue on the
 * slowest and the herd that a global minimum sends to whoever has just become free.
 *
 * Threads: one.
 * Source: M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing (2001); the draw by weight is the
 *         alias method of A. J. Walker (1977), built as M. D. Vose (1991) describes: one random number, two reads.
 */
export class LeastRequest implements Strategy {
  readonly #keep: Float64Array;
  readonly #alias: Int32Array;
  #random: number;

  /** @param seed  Any integer; 0 counts as 1. */
  constructor(weights: readonly number[], seed: number) {
    const size = weights.length;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const share = weights.map((weight) => (weight * size) / total);
    this.#keep = new Float64Array(size).fill(1);
    this.#alias = Int32Array.from(weights, (_, index) => index);
    const small = [...share.keys()].filter((index) => (share[index] as number) < 1);
    const large = [...share.keys()].filter((index) => (share[index] as number) >= 1);
    for (let low = small.pop(); low !== undefined && large.length > 0; low = small.pop()) {
      const high = large.at(-1) as number;
      this.#keep[low] = share[low] as number;
      this.#alias[low] = high;
      share[high] = (share[high] as number) - (1 - (share[low] as number));
      if ((share[high] as number) < 1) small.push(large.pop() as number);
    }
    this.#random = seed | 0 || 1;
  }

  choose(_tx: Transaction, asked: Candidates): number {
    const first = this.#drawFirst(asked);
    if (first === -1) return -1;
    const second = this.#drawOther(asked, first);
    if (second === -1) return first;
    return betterThan(asked, second, first) ? second : first;
  }

  /** By weight. */
  #drawFirst(asked: Candidates): number {
    for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
      const place = this.#random01() * this.#keep.length;
      const index = Math.floor(place);
      const drawn = place - index < (this.#keep[index] as number) ? index : (this.#alias[index] as number);
      if (asked.fits(drawn)) return drawn;
    }
    return this.#drawAmongFitting(asked, -1);
  }

  /** Any other alike, so that one that owns most of the weight is still compared with somebody each time. */
  #drawOther(asked: Candidates, first: number): number {
    const others = asked.size - 1;
    for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
      const index = (first + 1 + Math.floor(this.#random01() * others)) % asked.size;
      if (asked.fits(index)) return index;
    }
    return this.#drawAmongFitting(asked, first);
  }

  /** By weight among those that fit, counted out: the long way, when most do not. */
  #drawAmongFitting(asked: Candidates, but: number): number {
    let total = 0;
    for (let index = 0; index < asked.size; index += 1) {
      if (index !== but && asked.fits(index)) total += asked.weight(index);
    }
    let rest = this.#random01() * total;
    let found = -1;
    for (let index = 0; index < asked.size && rest >= 0; index += 1) {
      if (index === but || !asked.fits(index)) continue;
      found = index;
      rest -= asked.weight(index);
    }
    return found;
  }

  /** Xorshift (G. Marsaglia, 2003): fast, and nothing here needs to be secret. @returns 0 <= x < 1. */
  #random01(): number {
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    return (random >>> 0) / 0x1_0000_0000;
  }
}

/**
 * With this request on top, `a` would have no more for its weight than `b` has now; fractions compared without
 * dividing. Between equal weights that is plainly "fewer". An idle target of small weight does not outdo a large one
 * that has just a little to do, and between idle ones the draw by weight stands.
 */
function betterThan(asked: Candidates, a: number, b: number): boolean {
  return (asked.requests(a) + 1) * asked.weight(b) <= asked.requests(b) * asked.weight(a);
}
