// hot path: synchronous, never throws
import { type Refusal, refuse, refuseAs } from '../verdict.ts';
import type { Interruption } from '../waf/inspection.ts';

/** Where a redirect may lead: what a field can carry as it is. */
const LOCATION = /^[!-~]{1,2048}$/;

/** What a rule asks for, as far as an answer can be that. The client is told neither which rule nor why. */
export function refusalOfRule({ kind, status, url }: Interruption): Refusal {
  if (kind === 'drop') return refuseAs(0, 'SP_WAF_BLOCKED');
  if (kind === 'redirect' && status >= 300 && status < 400 && LOCATION.test(url)) {
    return refuseAs(status, 'SP_WAF_BLOCKED', ['location', url]);
  }
  return status >= 400 && status < 600 && status !== 403
    ? refuseAs(status, 'SP_WAF_BLOCKED')
    : refuse('SP_WAF_BLOCKED');
}
