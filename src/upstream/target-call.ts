// hot path: synchronous, never throws
import { TimerNode } from '../base/timer-wheel.ts';
import type { ErrorCode } from '../errors.ts';
import type { Source, Transaction } from '../transaction.ts';
import { triedBit } from './balance.ts';
import type { UpstreamGroup } from './group.ts';
import type { FailureKind } from './retry-budget.ts';
import type { Target } from './targets.ts';

/**
 * A transaction at the targets of its upstream, one after the other: which were tried, and what circuit, retry budget
 * and health are told of it. What was counted in is counted out once, however the call ends. A base class and not a
 * part of the call, because a part would be one more object per request.
 *
 * Threads: one.
 */
export abstract class TargetCall extends TimerNode {
  readonly tx: Transaction;
  protected readonly group: UpstreamGroup;
  /** The target of this try, counted in at its circuit; null between tries and after the end. */
  protected target: Target | null = null;
  readonly #ownConnection: boolean;
  #tried = 0;
  #retrying = false;
  #ended = false;

  /** @param ownConnection  The call has connections of its own, not the pool's: the circuit counts them with it. */
  constructor(tx: Transaction, group: UpstreamGroup, ownConnection: boolean) {
    super();
    this.tx = tx;
    this.group = group;
    this.#ownConnection = ownConnection;
  }

  /** Ends the call, and the transaction with a refusal. */
  protected abstract giveUp(code: ErrorCode, reason: string): void;

  protected get ended(): boolean {
    return this.#ended;
  }

  protected beginCall(source: Source): void {
    this.group.callStarted();
    this.tx.downstream.attach(source);
  }

  /** Begins a try. @returns  Its target; null when there is none, and the call was given up. */
  protected chooseTarget(nowMs: number): Target | null {
    const { tx, group } = this;
    const target = group.choose(tx, nowMs, this.#tried);
    if (typeof target === 'string') {
      this.giveUp(target, `no target of ${group.name} can take the request`);
      return null;
    }
    if (this.#ownConnection && !group.circuit.enterConnection(target.slot)) {
      group.circuit.leaveRequest(target.slot);
      this.giveUp('SP_UPSTREAM_OVERLOADED', `${target.url} has connectionsMax connections`);
      return null;
    }
    this.target = target;
    this.#tried |= triedBit(target.index);
    tx.tries += 1;
    tx.upstreamTarget = target.url;
    return target;
  }

  /** The target answered with a head. */
  protected targetAnswered(status: number, nowMs: number): void {
    if (this.target !== null) this.group.answered(this.target, status, nowMs);
  }

  /** The target is to blame for how the try goes. */
  protected targetFailed(nowMs: number): void {
    if (this.target !== null) this.group.failed(this.target, nowMs);
  }

  /**
   * The try is over without an answer.
   *
   * @param failure      How it failed; undefined where another try is never worth it.
   * @param bodyStarted  A byte of the request body left for a target.
   * @returns  Whether another try may follow; it is in the retry budget then.
   */
  protected leaveForRetry(failure: FailureKind | undefined, bodyStarted: boolean): boolean {
    const { group, target } = this;
    this.#leaveTarget();
    if (failure === undefined || !group.startRetry(this.tx, bodyStarted, failure, this.#retrying)) return false;
    this.#retrying = true;
    if (target !== null) group.events.retried(target.slot);
    return true;
  }

  /** Lets go of everything that is counted, of the timer and of the client. The second time it does nothing. */
  protected endCall(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { group } = this;
    group.wheel.cancel(this);
    if (this.#retrying) group.retryEnded();
    this.#leaveTarget();
    group.callEnded();
    this.tx.downstream.detach();
  }

  #leaveTarget(): void {
    const { circuit } = this.group;
    const { target } = this;
    if (target === null) return;
    this.target = null;
    circuit.leaveRequest(target.slot);
    if (this.#ownConnection) circuit.leaveConnection(target.slot);
  }
}
