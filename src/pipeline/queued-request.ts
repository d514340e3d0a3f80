// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { KeptBytes } from '../base/kept-bytes.ts';
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import { UPLOAD_HIGH_WATER_BYTES } from '../limits.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { FairQueue } from '../throttle/fair-queue.ts';
import { Waiter } from '../throttle/flows.ts';
import type { Source, Transaction } from '../transaction.ts';
import type { Refusal } from '../verdict.ts';
import { busy } from './busy.ts';
import type { KeyReader } from './key-parts.ts';

const NO_PIECES: readonly Buffer[] = Object.freeze([]);

/** A throttle as it holds on one route. */
export interface RouteThrottle {
  readonly name: string;
  /** Metrics row. */
  readonly row: number;
  readonly key: KeyReader;
  readonly queue: FairQueue;
}

/**
 * A request that waits for its turn. Until then it is what the client's side talks to: it keeps what comes of the body,
 * holds the client back when that is much, and leaves the queue when the client goes.
 *
 * Threads: one. Lives from `begin` until one of admit, refuse and onAbort.
 */
export class QueuedRequest extends Waiter implements Source {
  readonly #metrics: ThreadMetrics;
  #tx!: Transaction;
  #throttle!: RouteThrottle;
  #body: KeptBytes | null = null;
  #isWhole = false;

  constructor(metrics: ThreadMetrics) {
    super();
    this.#metrics = metrics;
  }

  /** The queue has taken it. */
  begin(tx: Transaction, throttle: RouteThrottle): void {
    this.#tx = tx;
    this.#throttle = throttle;
    tx.downstream.attach(this);
  }

  override admit(steadyMs: number): void {
    const tx = this.#tx;
    const { owner, downstream } = tx;
    try {
      this.#waited(steadyMs);
      this.#metrics.policy(this.#throttle.row, 'waited');
      tx.wentOnAt = performance.now();
      downstream.detach();
      const pieces = this.#letGo();
      if (owner.resume(tx, Date.now()) || tx.finished) return;
      // Not finished and not through: a later phase waits, and wants what came of the body.
      downstream.replay(pieces, this.#isWhole);
    } catch (error) {
      owner.failed(tx, error);
    }
  }

  override refuse(reason: 'late' | 'full', steadyMs: number): void {
    const tx = this.#tx;
    try {
      this.#waited(steadyMs);
      this.#metrics.policy(this.#throttle.row, reason);
      tx.downstream.detach();
      this.#letGo();
      tx.owner.refuse(tx, throttled(tx, this.#throttle, steadyMs));
    } catch (error) {
      tx.owner.failed(tx, error);
    }
  }

  onBody(chunk: Uint8Array, isLast: boolean): void {
    this.#body ??= new KeptBytes();
    this.#body.append(chunk);
    if (isLast) this.#isWhole = true;
    else if (this.#body.length > UPLOAD_HIGH_WATER_BYTES) this.#tx.downstream.pauseBody();
  }

  onDrain(): void {
    // Nothing is answered before the request goes on.
  }

  onAbort(): void {
    if (this.flow === null) return;
    this.#waited(performance.now() + STEADY_OFFSET_MS);
    this.#throttle.queue.leave(this);
    this.#metrics.policy(this.#throttle.row, 'left');
    this.#tx.downstream.detach();
    this.#letGo();
  }

  #waited(steadyMs: number): void {
    const waitedMs = Math.max(0, steadyMs - this.enteredMs);
    this.#tx.waitedMs = waitedMs;
    this.#metrics.waited(this.#throttle.row, waitedMs);
  }

  #letGo(): readonly Buffer[] {
    const body = this.#body;
    this.#body = null;
    return body === null ? NO_PIECES : body.take();
  }
}

/** The refusal of a throttle; the transaction tells its name. */
export function throttled(tx: Transaction, { name, queue }: RouteThrottle, steadyMs: number): Refusal {
  tx.policy = name;
  return busy('SP_THROTTLED', Math.ceil(queue.retryAfterMs(steadyMs) / 1_000));
}
