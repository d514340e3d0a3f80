// hot path: synchronous, never throws
import type { RequestInspection, Transaction } from '../transaction.ts';
import { PASS, PENDING, refuse, type Verdict } from '../verdict.ts';
import { CollectedBody } from './collected-body.ts';
import type { PhaseContext } from './context.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * Phase waf-body: SecLang's phase 2. Where rules look at bodies, the request is held until its body is there, and goes
 * on with the very same bytes.
 *
 * @returns  A phase that is pending while a body comes and while an inspect thread has it, and refuses as rules say;
 *           null where no route is under a firewall.
 */
export function compileWafBody({ waf }: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  return waf === null ? null : (tx) => (tx.inspection === null ? PASS : look(tx, tx.inspection));
}

function look(tx: Transaction, inspection: RequestInspection): Verdict {
  // Rules of phase 2 look at much else.
  if (tx.contentLength === 0 || !inspection.wantsBody) return inspection.body(tx, NO_BYTES, false, null);
  if (tx.contentLength > inspection.bodyBytesMax && !inspection.takesPart) return refuse('SP_REQUEST_BODY_TOO_LARGE');
  new CollectedBody(tx, inspection.bodyBytesMax, (body, isWhole, later) => {
    if (body.length <= inspection.bodyBytesMax) return inspection.body(tx, body, !isWhole, later);
    if (!inspection.takesPart) return refuse('SP_REQUEST_BODY_TOO_LARGE');
    return inspection.body(tx, body.subarray(0, inspection.bodyBytesMax), true, later);
  });
  return PENDING;
}
