// hot path: synchronous, never throws
import type { UpstreamConfig } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import { Candidates, type Strategy, triedBit } from './candidates.ts';
import { ConsistentHash } from './consistent-hash.ts';
import type { TargetHealth } from './health.ts';
import { LeastRequest } from './least-request.ts';
import { RoundRobin } from './round-robin.ts';
import type { Target } from './targets.ts';

export { triedBit };

export interface Balancer {
  /**
   * Chooses who answers.
   *
   * @param nowMs      The clock that `TargetHealth` is told of, see there.
   * @param triedMask  `triedBit(target.index)` of the targets that failed this transaction, or 0. They are avoided, not
   *                   excluded: the only one left gets its second try.
   * @returns  The target; null when active checks hold every one down (SP_UPSTREAM_UNAVAILABLE). A half-open target is
   *           claimed by being returned; a caller that then does not use it delays its return by a second, no more.
   */
  pick(tx: Transaction, nowMs: number, triedMask: number): Target | null;
}

/**
 * Builds the balancer of one upstream for one thread.
 *
 * Who is chosen from, the first group that is not empty: usable and not tried; usable; not held down by active checks
 * and not tried; not held down. The last two are panic mode. Ejection is a guess from few failures, which the gateway's
 * own network can cause as well; when it says that nobody is left, the guess is worth less than a try. An active
 * check is what the operator defined as being up, so a target that fails it is never sent traffic: a fast 503 lets
 * clients and front balancers turn elsewhere. (Envoy panics over active checks as well; HAProxy answers 503.)
 *
 * @param config   `balance` and `hashBy` of the upstream.
 * @param targets  At least one.
 * @param seed     Of the random choices; threads should differ.
 */
export function compileBalancer(
  config: Pick<UpstreamConfig, 'balance' | 'hashBy'>,
  targets: readonly Target[],
  health: TargetHealth,
  seed: number = Math.floor(Math.random() * 0x7fff_ffff),
): Balancer {
  const candidates = new Candidates(targets, health);
  const only = targets.length === 1 ? targets[0] : undefined;
  return only === undefined
    ? new Balance(candidates, compileStrategy(config, targets, health, seed))
    : new Lone(only, health);
}

function compileStrategy(
  config: Pick<UpstreamConfig, 'balance' | 'hashBy'>,
  targets: readonly Target[],
  health: TargetHealth,
  seed: number,
): Strategy {
  const weights = targets.map(({ weight }) => weight);
  const roundRobin = () => new RoundRobin(weights, Math.max(0, health.threadIndex));
  switch (config.balance) {
    case 'round-robin':
      return roundRobin();
    case 'least-request':
      return new LeastRequest(weights, seed);
    case 'hash':
      return new ConsistentHash(targets, config.hashBy === 'address', roundRobin());
  }
}

class Balance implements Balancer {
  readonly #candidates: Candidates;
  readonly #strategy: Strategy;

  constructor(candidates: Candidates, strategy: Strategy) {
    this.#candidates = candidates;
    this.#strategy = strategy;
  }

  pick(tx: Transaction, nowMs: number, triedMask: number): Target | null {
    const candidates = this.#candidates;
    candidates.nowMs = nowMs;
    candidates.panic = false;
    // A claim lost to another thread takes that target out of the next round, so there are no more rounds than targets.
    for (let round = 0; round < candidates.size; round += 1) {
      const index = this.#choose(tx, triedMask);
      if (index === -1) break;
      if (candidates.claim(index)) return candidates.targets[index] as Target;
    }
    candidates.panic = true;
    const index = this.#choose(tx, triedMask);
    return index === -1 ? null : (candidates.targets[index] as Target);
  }

  #choose(tx: Transaction, triedMask: number): number {
    this.#candidates.triedMask = triedMask;
    const index = this.#strategy.choose(tx, this.#candidates);
    if (index !== -1 || triedMask === 0) return index;
    this.#candidates.triedMask = 0;
    return this.#strategy.choose(tx, this.#candidates);
  }
}

/** A lone target is never ejected, so only active checks can take it out. */
class Lone implements Balancer {
  readonly #target: Target;
  readonly #health: TargetHealth;

  constructor(target: Target, health: TargetHealth) {
    this.#target = target;
    this.#health = health;
  }

  pick(): Target | null {
    return this.#health.activelyUp(this.#target.slot) ? this.#target : null;
  }
}
