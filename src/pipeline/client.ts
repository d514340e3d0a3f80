// hot path: synchronous, never throws
import { validRequestId } from '../telemetry/request-id.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/**
 * Phase client: who is asking. Believes forwarding fields and a request id only from trusted proxies.
 *
 * @returns  A phase that always passes.
 */
export function compileClient(context: PhaseContext): (tx: Transaction, nowMs: number) => Verdict {
  const { clientAddresses, config } = context;
  if (config.trustedProxies.length === 0) return () => PASS;
  return (tx) => {
    if (clientAddresses.trusts(tx.peer)) {
      tx.client = clientAddresses.resolve(tx.peer, tx.xForwardedFor, tx.forwarded);
      if (tx.requestIdReceived !== '' && validRequestId(tx.requestIdReceived)) tx.requestId = tx.requestIdReceived;
    }
    return PASS;
  };
}
