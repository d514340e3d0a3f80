// hot path: synchronous, never throws
import type { AuthReason } from '../identity.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Transaction } from '../transaction.ts';

/** Writes down why a caller is not let in, for the log and the metrics. @param detail  No part of a credential. */
export function noteRefused(tx: Transaction, metrics: ThreadMetrics, reason: AuthReason, detail: string): void {
  tx.authReason = reason;
  tx.reason = `${reason}: ${detail}`;
  metrics.authRefused(reason);
}
