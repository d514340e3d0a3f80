// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';

/**
 * Phase body: a declared length over the route's bound is refused before anything is read. Chunked bodies are counted
 * while they stream, by the downstream.
 */
export function compileBodyBound(): (tx: Transaction, nowMs: number) => Verdict {
  return (tx) => {
    const { route } = tx;
    if (route !== null && tx.contentLength > route.bodyBytesMax) return refuse('SP_REQUEST_BODY_TOO_LARGE');
    return PASS;
  };
}
