import { byteTextOf } from '../base/byte-text.ts';
import type { WafConfig } from '../config/schema.ts';
import { takesPart } from '../config/waf-sources.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { fieldOf } from '../pipeline/answer-fields.ts';
import { refusalOfRule } from '../pipeline/refusal-of-rule.ts';
import { seenBody } from '../pipeline/seen-body.ts';
import type { Inspection, PhaseOutcome, WafProfile } from '../waf/inspection.ts';
import type { AskedRequest } from './asked-request.ts';

/** What the gateway does with a request under the rules of its route, up to the upstream. */
export interface Judgement {
  /** `detected`: it goes on because the mode is detection only. */
  readonly kind: 'passes' | 'detected' | 'blocked';
  /** The rule that ends it, or would; null where none does. */
  readonly ruleId: number | null;
  /** For people. */
  readonly words: string;
}

/**
 * Runs phases 1 and 2 as the gateway does.
 *
 * @param isDecoded  The body is without its content coding, whatever the fields say: audit logs hold it so.
 */
export function judge(
  inspection: Inspection,
  { body, fields }: AskedRequest,
  { mode }: WafProfile,
  waf: WafConfig,
  isDecoded = false,
): Judgement {
  const detectsOnly = mode === 'detect';
  const passesFailures = detectsOnly || waf.onFailure === 'pass';
  const head = ended(inspection.requestHeaders(), passesFailures);
  if (head !== null) return head;
  const given = inspection.wantsRequestBody ? body : body.subarray(0, 0);
  const isPartial = given.length > waf.requestBodyBytesMax;
  if (isPartial && !detectsOnly && !takesPart(waf)) return refused('SP_REQUEST_BODY_TOO_LARGE');
  const bytesMax = waf.requestBodyBytesMax;
  const coding = isDecoded ? '' : fieldOf(fields, 'content-encoding');
  const seen = seenBody(coding, given.subarray(0, bytesMax), isPartial, bytesMax, detectsOnly);
  if (seen.kind === 'refuse') return refused(seen.code);
  const whole = ended(inspection.requestBody(byteTextOf(seen.bytes), isPartial), passesFailures);
  if (whole !== null) return whole;
  const { interruption } = inspection;
  if (interruption !== null) {
    const { ruleId } = interruption;
    return { kind: 'detected', ruleId, words: `passes: rule ${ruleId} would block in mode block` };
  }
  return { ...PASSES, words: isPartial ? 'passes: the beginning of the body was inspected' : 'passes' };
}

const PASSES: Judgement = Object.freeze({ kind: 'passes', ruleId: null, words: 'passes' });

function refused(code: ErrorCode): Judgement {
  const words = `refused with ${ERRORS[code].status}: the body cannot be inspected (${code})`;
  return { kind: 'blocked', ruleId: null, words };
}

/** Null where the request goes on. */
function ended(outcome: PhaseOutcome, passesFailures: boolean): Judgement | null {
  if (outcome.kind === 'pass') return null;
  if (outcome.kind === 'failed') {
    if (passesFailures) return null;
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    return { kind: 'blocked', ruleId: null, words: `could not be inspected: ${why}` };
  }
  const { ruleId } = outcome.interruption;
  const { code, status = ERRORS[code].status, fields } = refusalOfRule(outcome.interruption);
  const location = fields?.[1];
  const how = status === 0 ? 'the connection is closed' : `${status}${location === undefined ? '' : ` to ${location}`}`;
  return { kind: 'blocked', ruleId, words: `blocked by rule ${ruleId}: ${how}` };
}
