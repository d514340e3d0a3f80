// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import type { Candidates, Strategy } from './candidates.ts';

/**
 * Smooth weighted round robin: each target earns its weight, the richest is chosen and pays what all earned. Over a
 * period of the sum of weights every target comes exactly as often as its weight says, spread out and not in bursts.
 * One that does not fit neither earns nor pays, so its share goes to the others by their weights, which a fixed
 * sequence with gaps would not give. O(targets), 12 ns for each.
 *
 * Threads: one. Each thread starts elsewhere, or all would send their first requests to the same target.
 * Source: nginx, ngx_http_upstream_round_robin (2012), without its effective weights: ejection does that here.
 */
export class RoundRobin implements Strategy {
  readonly #credit: Int32Array;

  /** @param offset  Choices to skip, >= 0: the thread's number. */
  constructor(weights: readonly number[], offset: number) {
    this.#credit = new Int32Array(weights.length);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let step = 0; step < offset; step += 1) {
      let best = 0;
      for (const [index, weight] of weights.entries()) {
        this.#earn(index, weight);
        if (this.#of(index) > this.#of(best)) best = index;
      }
      this.#earn(best, -total);
    }
  }

  choose(_tx: Transaction, asked: Candidates): number {
    const credit = this.#credit;
    let best = -1;
    let bestCredit = 0;
    let total = 0;
    for (let index = 0; index < asked.size; index += 1) {
      if (!asked.fits(index)) continue;
      const weight = asked.weight(index);
      const earned = (credit[index] as number) + weight;
      credit[index] = earned;
      total += weight;
      if (best === -1 || earned > bestCredit) {
        best = index;
        bestCredit = earned;
      }
    }
    if (best !== -1) credit[best] = bestCredit - total;
    return best;
  }

  #of(index: number): number {
    return this.#credit[index] as number;
  }

  #earn(index: number, amount: number): void {
    this.#credit[index] = this.#of(index) + amount;
  }
}
