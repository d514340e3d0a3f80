// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import type { TargetHealth } from './health.ts';
import type { Target } from './targets.ts';

/** A way to choose among the targets that fit. */
export interface Strategy {
  /** @returns Index of the chosen target, or -1 when none fits. */
  choose(tx: Transaction, asked: Candidates): number;
}

/** A tried mask has 30 bits, so that it stays a small integer. */
const TRIED_BITS = 30;

/** Bit of a target in `triedMask`. Past 30 targets some share a bit: a retry then avoids a few more than it must. */
export function triedBit(index: number): number {
  return 1 << (index % TRIED_BITS);
}

/**
 * The targets of one upstream, and which of them may be chosen right now. The fields below `targets` describe the pick
 * under way: one object per balancer instead of four arguments through every call.
 *
 * Threads: one.
 */
export class Candidates {
  readonly targets: readonly Target[];
  readonly size: number;
  readonly #slots: Int32Array;
  readonly #weights: Int32Array;
  readonly #health: TargetHealth;
  nowMs = 0;
  triedMask = 0;
  /** Nobody is usable: take ejected ones too. */
  panic = false;

  constructor(targets: readonly Target[], health: TargetHealth) {
    this.targets = targets;
    this.size = targets.length;
    this.#slots = Int32Array.from(targets, ({ slot }) => slot);
    this.#weights = Int32Array.from(targets, ({ weight }) => weight);
    this.#health = health;
  }

  fits(index: number): boolean {
    if (this.triedMask !== 0 && (this.triedMask & triedBit(index)) !== 0) return false;
    const slot = this.slot(index);
    return this.panic ? this.#health.activelyUp(slot) : this.#health.usable(slot, this.nowMs);
  }

  claim(index: number): boolean {
    return this.#health.claim(this.slot(index), this.nowMs);
  }

  requests(index: number): number {
    return this.#health.requests(this.slot(index));
  }

  slot(index: number): number {
    return this.#slots[index] as number;
  }

  weight(index: number): number {
    return this.#weights[index] as number;
  }
}
