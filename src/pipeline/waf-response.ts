// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/**
 * Phase waf-response: SecLang's phases 3 and 4. Runs when the head of an answer is there; where rules look at the body,
 * the answer is held until they have.
 *
 * @returns  A phase that refuses as rules say; null where no route is under a firewall.
 */
export function compileWafResponse({ waf }: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  return waf === null ? null : (tx) => (tx.inspection === null ? PASS : tx.inspection.answer(tx));
}
