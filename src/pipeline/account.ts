// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/**
 * Phase account: metrics and the access log, once per request, whatever became of it. Its `nowMs` has a fraction: the
 * duration is taken from it.
 */
export function compileAccount(context: PhaseContext): (tx: Transaction, nowMs: number) => Verdict {
  const { metrics, lines } = context;
  return (tx, nowMs) => {
    const durationMs = nowMs - tx.startedAtMs;
    tx.places?.leave(tx, tx.startedAt + durationMs);
    // Before the line, which tells of it.
    tx.inspection?.end(tx, nowMs);
    const route = tx.route === null ? -1 : tx.route.index;
    metrics.request(route, tx.status, durationMs, tx.upstreamMs, tx.bytesReceived, tx.bytesSent);
    if (tx.code !== null) metrics.error(tx.code);
    if (lines.accessOn) lines.access.write(tx, Math.floor(nowMs), durationMs);
    return PASS;
  };
}
