import { performance } from 'node:perf_hooks';
import type tls from 'node:tls';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import { type Balancer, triedBit } from './balance.ts';
import type { Circuit } from './circuit.ts';
import type { TargetHealth } from './health.ts';
import type { ConnectionPool, PoolEvents } from './pool.ts';
import { type FailureKind, mayRetry, RetryBudget } from './retry-budget.ts';
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
  readonly circuit: Circuit;
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
  readonly circuit: Circuit;
  readonly wheel: TimerWheel;
  readonly events: UpstreamEvents;
  readonly hashField: (tx: Transaction) => string;
  readonly #balancer: Balancer;
  readonly #health: TargetHealth;
  readonly #pools: readonly ConnectionPool[];
  readonly #budget: RetryBudget;
  readonly #slots: readonly number[];

  constructor(parts: GroupParts) {
    this.name = parts.name;
    this.config = parts.config;
    this.targets = parts.targets;
    this.#balancer = parts.balancer;
    this.circuit = parts.circuit;
    this.#health = parts.health;
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

  /** TLS options towards a target; null for plain HTTP. */
  tlsOptions(target: Target): tls.ConnectionOptions | null {
    return this.pool(target).tlsOptions;
  }

  pool(target: Target): ConnectionPool {
    const pool = this.#pools[target.index];
    if (pool === undefined) throw new RangeError(`no pool for target ${target.index} of ${this.name}`);
    return pool;
  }

  /**
   * Picks a target with room for one more request and counts it in; `circuit.leaveRequest` must follow.
   *
   * @param tried  `triedBit` of the targets that failed this transaction.
   * @returns  The target, or why there is none.
   */
  choose(tx: Transaction, nowMs: number, tried: number): Target | 'SP_UPSTREAM_UNAVAILABLE' | 'SP_UPSTREAM_OVERLOADED' {
    let target = this.#balancer.pick(tx, nowMs, tried);
    let full = tried;
    while (target !== null) {
      if (this.circuit.enterRequest(target.slot)) return target;
      // Full: another one may have room. Balancers avoid tried targets, but come back to them when nobody else is left.
      const bit = triedBit(target.index);
      if ((full & bit) !== 0) return 'SP_UPSTREAM_OVERLOADED';
      full |= bit;
      target = this.#balancer.pick(tx, nowMs, full);
    }
    return full === tried ? 'SP_UPSTREAM_UNAVAILABLE' : 'SP_UPSTREAM_OVERLOADED';
  }

  callStarted(): void {
    this.#budget.requestStarted();
  }

  callEnded(): void {
    this.#budget.requestEnded();
  }

  retryEnded(): void {
    this.#budget.retryEnded();
  }

  /**
   * Whether the call may try once more.
   *
   * @param bodyStarted  A byte of the request body left for a target.
   * @param counted      This call is in the budget already; else a true answer puts it there, until `retryEnded`.
   */
  startRetry(tx: Transaction, bodyStarted: boolean, failure: FailureKind, counted: boolean): boolean {
    if (tx.tries >= this.config.retry.attemptsMax || !mayRetry(tx.method, bodyStarted, failure)) return false;
    return counted || this.#budget.startRetry();
  }

  answered(target: Target, status: number, nowMs: number): void {
    this.#health.succeeded(target.slot, nowMs);
    this.events.upstreamRequest(target.slot, status);
  }

  failed(target: Target, nowMs: number): void {
    this.events.upstreamRequest(target.slot, 0);
    if (this.#health.failed(target.slot, this.config.health.passive, nowMs, this.#slots)) {
      this.events.ejected(target.slot);
    }
  }
}
