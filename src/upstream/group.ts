import type { TimerWheel } from '../base/timer-wheel.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import type { Balancer } from './balance.ts';
import type { TargetHealth } from './health.ts';
import type { ConnectionPool, PoolEvents } from './pool.ts';
import { type FailureKind, RetryBudget, mayRetry } from './retry-budget.ts';
import type { Target } from './targets.ts';

/** What a thread counts about its upstreams. Cheap, never throws; implemented by the metrics of the thread. */
export interface UpstreamEvents extends PoolEvents {
  retried(slot: number): void;
  ejected(slot: number): void;
  upstreamRequest(slot: number, status: number): void;
}

export interface GroupParts {
  readonly name: string;
  readonly config: UpstreamConfig;
  readonly targets: readonly Target[];
  readonly balancer: Balancer;
  readonly pools: readonly ConnectionPool[];
  readonly health: TargetHealth;
  readonly wheel: TimerWheel;
  readonly events: UpstreamEvents;
  /** What hash balancing looks at; '' where that is the client's address. */
  readonly hashField: (tx: Transaction) => string;
}

/**
 * One upstream of the configuration as one thread sees it: targets, their pools, and the rules for choosing, retrying
 * and giving up.
 *
 * Threads: one.
 */
export class UpstreamGroup {
  readonly name: string;
  readonly config: UpstreamConfig;
  readonly targets: readonly Target[];
  readonly balancer: Balancer;
  readonly health: TargetHealth;
  readonly wheel: TimerWheel;
  readonly events: UpstreamEvents;
  readonly hashField: (tx: Transaction) => string;
  readonly #pools: readonly ConnectionPool[];
  readonly #budget: RetryBudget;
  readonly #slots: readonly number[];
  #calls = 0;

  constructor(parts: GroupParts) {
    this.name = parts.name;
    this.config = parts.config;
    this.targets = parts.targets;
    this.balancer = parts.balancer;
    this.health = parts.health;
    this.wheel = parts.wheel;
    this.events = parts.events;
    this.hashField = parts.hashField;
    this.#pools = parts.pools;
    this.#budget = new RetryBudget(parts.config.retry.budgetPercent);
    this.#slots = parts.targets.map((target) => target.slot);
  }

  /** Monotonic clock of this thread, milliseconds. */
  now(): number {
    return performance.now();
  }

  pool(target: Target): ConnectionPool {
    const pool = this.#pools[target.index];
    if (pool === undefined) throw new RangeError(`no pool for target ${target.index} of ${this.name}`);
    return pool;
  }

  /** May one more request go to this target? Counted over all threads. */
  admits(target: Target): boolean {
    return this.health.requests(target.slot) < this.config.circuit.requestsMax;
  }

  callStarted(): void {
    this.#calls += 1;
  }

  callEnded(): void {
    this.#calls -= 1;
  }

  retryStarted(): void {
    this.#budget.started();
  }

  retryEnded(): void {
    this.#budget.ended();
  }

  /** @param retrying  True when this call is counted in the budget already. */
  mayRetry(tx: Transaction, bodyStarted: boolean, kind: FailureKind, retrying: boolean): boolean {
    if (tx.tries >= this.config.retry.attemptsMax || !mayRetry(tx.method, bodyStarted, kind)) return false;
    return retrying || this.#budget.admits(this.#calls);
  }

  answered(target: Target, status: number): void {
    this.health.succeeded(target.slot);
    this.events.upstreamRequest(target.slot, status);
  }

  failed(target: Target): void {
    this.events.upstreamRequest(target.slot, 0);
    if (this.health.failed(target.slot, this.config.health.passive, Date.now(), this.#slots)) {
      this.events.ejected(target.slot);
    }
  }
}
