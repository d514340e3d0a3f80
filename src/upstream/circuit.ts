// hot path: synchronous, never throws
import type { UpstreamConfig } from '../config/schema.ts';
import type { TargetHealth } from './health.ts';

/** Bounds of an upstream, per target, so that a slow one cannot take everything. */
export interface Circuit {
  /**
   * Counts a request in, if there is room. In and out cost 50 ns with 4 threads, 2 more for each further one.
   * @returns false when the target has `requestsMax` under way: SP_UPSTREAM_OVERLOADED, and nothing to leave.
   */
  enterRequest(slot: number): boolean;
  leaveRequest(slot: number): void;
  /** The same for a connection that stands for itself, such as a WebSocket's. @returns false at `connectionsMax`. */
  enterConnection(slot: number): boolean;
  leaveConnection(slot: number): void;
  /**
   * Most connections of this thread's keep-alive pool to one target, >= 1. Pools have shares of `connectionsMax` and
   * not a common count, because one that waits can only be woken by a connection that ends in its own thread.
   */
  readonly connectionsShare: number;
  /** Most requests of this thread that wait for a connection to one target. */
  readonly pendingMax: number;
}

/**
 * @param circuit  `circuit` of the upstream.
 * @param threads  Ingress threads, >= 1. With more threads than `connectionsMax` each still has one connection.
 *
 * Threads: one instance per thread. A request is counted first and the sum over all threads looked at then, so that the
 * bound is never passed; two that race for the last place may both be refused.
 */
export function compileCircuit(circuit: UpstreamConfig['circuit'], health: TargetHealth, threads: number): Circuit {
  const { requestsMax, connectionsMax, pendingMax } = circuit;
  return Object.freeze({
    enterRequest(slot: number): boolean {
      health.requestStarted(slot);
      if (health.requestsWithin(slot, requestsMax)) return true;
      health.requestEnded(slot);
      return false;
    },
    leaveRequest(slot: number): void {
      health.requestEnded(slot);
    },
    enterConnection(slot: number): boolean {
      health.connectionOpened(slot);
      if (health.connectionsWithin(slot, connectionsMax)) return true;
      health.connectionClosed(slot);
      return false;
    },
    leaveConnection(slot: number): void {
      health.connectionClosed(slot);
    },
    connectionsShare: Math.max(1, Math.floor(connectionsMax / threads)),
    pendingMax,
  });
}
