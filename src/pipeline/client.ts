// hot path: synchronous, never throws
import { compileClaims } from '../message/claims.ts';
import { validRequestId } from '../telemetry/request-id.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { identityFieldNames } from './identity-names.ts';

/**
 * Phase client: who is asking. Believes forwarding fields and a request id only from trusted proxies, and lets only
 * them claim more about the client.
 *
 * @returns  A phase that always passes.
 */
export function compileClient(context: PhaseContext): (tx: Transaction, nowMs: number) => Verdict {
  const { clientAddresses, config, captured } = context;
  const dropClaims = compileClaims(config.forwarding.claims, captured);
  const ours = identityFieldNames(config);
  // Not even a trusted proxy says for us who calls.
  const dropOurs = ours.length === 0 ? null : compileClaims(ours, captured);
  return (tx) => {
    if (dropOurs !== null) dropOurs(tx);
    if (!clientAddresses.trusts(tx.peer)) {
      dropClaims(tx);
      return PASS;
    }
    tx.client = clientAddresses.resolve(tx.peer, tx.xForwardedFor, tx.forwarded);
    if (tx.requestIdReceived !== '' && validRequestId(tx.requestIdReceived)) tx.requestId = tx.requestIdReceived;
    return PASS;
  };
}
