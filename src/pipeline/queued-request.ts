// hot path: synchronous, never throws
import { steadyNow } from '../base/steady-clock.ts';
import type { PolicyOutcome } from '../telemetry/layout.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { FairQueue } from '../throttle/fair-queue.ts';
import { Waiter } from '../throttle/flows.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, type Refusal } from '../verdict.ts';
import { HeldRequest } from './held-request.ts';
import type { KeyReader } from './key-parts.ts';
import { retryLater } from './retry-later.ts';

/** A throttle as it holds on one route. */
export interface RouteThrottle {
  readonly name: string;
  /** Metrics row. */
  readonly row: number;
  readonly key: KeyReader;
  readonly queue: FairQueue;
}

/**
 * A request in the queue of a throttle: goes on when it is admitted, is refused, or leaves the queue with its client.
 *
 * Threads: one. Lives from `begin` until one of these.
 */
export class QueuedRequest extends Waiter {
  readonly #metrics: ThreadMetrics;
  #tx!: Transaction;
  #throttle!: RouteThrottle;
  #held!: HeldRequest;

  constructor(metrics: ThreadMetrics) {
    super();
    this.#metrics = metrics;
  }

  /** The queue has taken it. */
  begin(tx: Transaction, throttle: RouteThrottle): void {
    this.#tx = tx;
    this.#throttle = throttle;
    this.#held = new HeldRequest(tx, () => this.#left());
  }

  override admit(steadyMs: number): void {
    this.#held.goOn(() => {
      this.#waited(steadyMs, 'waited');
      return PASS;
    });
  }

  override refuse(reason: 'late' | 'full', steadyMs: number): void {
    this.#held.goOn(() => {
      this.#waited(steadyMs, reason);
      return throttled(this.#tx, this.#throttle, steadyMs);
    });
  }

  #left(): void {
    this.#throttle.queue.leave(this);
    this.#waited(steadyNow(), 'left');
  }

  #waited(steadyMs: number, outcome: PolicyOutcome): void {
    const { row } = this.#throttle;
    const waitedMs = Math.max(0, steadyMs - this.enteredMs);
    this.#tx.waitedMs = waitedMs;
    this.#metrics.waited(row, waitedMs);
    this.#metrics.policy(row, outcome);
  }
}

/** The refusal of a throttle; the transaction tells its name. */
export function throttled(tx: Transaction, { name, queue }: RouteThrottle, steadyMs: number): Refusal {
  tx.policy = name;
  return retryLater('SP_THROTTLED', Math.ceil(queue.retryAfterMs(steadyMs) / 1_000));
}
