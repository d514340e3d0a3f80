import { byteTextOf } from '../base/byte-text.ts';
import type { Config, WafConfig } from '../config/schema.ts';
import { takesPart } from '../config/waf-sources.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { normalisePath } from '../message/path.ts';
import { fieldOf } from '../pipeline/answer-fields.ts';
import { refusalOfRule } from '../pipeline/refusal-of-rule.ts';
import { seenBody } from '../pipeline/seen-body.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { Inspection, PhaseOutcome, WafProfile } from '../waf/inspection.ts';
import type { AskedRequest } from './asked-request.ts';

export interface JudgedRequest {
  /** For what it found. */
  readonly inspection: Inspection;
  readonly verdict: Verdict;
}

export interface Verdict {
  readonly isBlocked: boolean;
  readonly words: string;
}

/**
 * Runs a request through the phases 1, 2 and 5 of rules, as a gateway of this configuration would.
 *
 * @param engine  Compiled for the profile.
 * @param client  Address.
 */
export function judgeRequest(
  engine: RuleEngine,
  config: Config,
  profile: WafProfile,
  request: AskedRequest,
  client: string,
): JudgedRequest {
  const inspection = engine.begin({
    uniqueId: 'waf-test',
    clientAddress: client,
    clientPort: 0,
    serverAddress: config.listen.host,
    serverPort: config.listen.http.port,
    method: request.method,
    // As the HTTP front gives them.
    target: request.target.replace(/^([^?]*)\?$/, '$1'),
    path: pathOf(config, request) || undefined,
    protocol: 'HTTP/1.1',
    fields: request.fields.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
    startedAtMs: Date.now(),
  });
  const verdict = judge(inspection, request, profile, config.waf);
  inspection.logging();
  return { inspection, verdict };
}

/** As the guard normalises it; '' where it refuses. */
export function pathOf({ paths }: Config, { target }: AskedRequest): string {
  return normalisePath(target.split('?', 1)[0] ?? '', paths.encodedSlash === 'keep');
}

/** What the gateway does with the request, up to the upstream. */
function judge(inspection: Inspection, { body, fields }: AskedRequest, { mode }: WafProfile, waf: WafConfig): Verdict {
  const detectsOnly = mode === 'detect';
  const passesFailures = detectsOnly || waf.onFailure === 'pass';
  const head = ended(inspection.requestHeaders(), passesFailures);
  if (head !== null) return head;
  const given = inspection.wantsRequestBody ? body : body.subarray(0, 0);
  const isPartial = given.length > waf.requestBodyBytesMax;
  if (isPartial && !detectsOnly && !takesPart(waf)) return refused('SP_REQUEST_BODY_TOO_LARGE');
  const bytesMax = waf.requestBodyBytesMax;
  const coding = fieldOf(fields, 'content-encoding');
  const seen = seenBody(coding, given.subarray(0, bytesMax), isPartial, bytesMax, detectsOnly);
  if (seen.kind === 'refuse') return refused(seen.code);
  const whole = ended(inspection.requestBody(byteTextOf(seen.bytes), isPartial), passesFailures);
  if (whole !== null) return whole;
  const { interruption } = inspection;
  if (interruption !== null) {
    return { isBlocked: false, words: `passes: rule ${interruption.ruleId} would block in mode block` };
  }
  return { isBlocked: false, words: isPartial ? 'passes: the beginning of the body was inspected' : 'passes' };
}

function refused(code: ErrorCode): Verdict {
  return { isBlocked: true, words: `refused with ${ERRORS[code].status}: the body cannot be inspected (${code})` };
}

/** Null where the request goes on. */
function ended(outcome: PhaseOutcome, passesFailures: boolean): Verdict | null {
  if (outcome.kind === 'pass') return null;
  if (outcome.kind === 'failed') {
    if (passesFailures) return null;
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    return { isBlocked: true, words: `could not be inspected: ${why}` };
  }
  const { code, status = ERRORS[code].status, fields } = refusalOfRule(outcome.interruption);
  const location = fields?.[1];
  const how = status === 0 ? 'the connection is closed' : `${status}${location === undefined ? '' : ` to ${location}`}`;
  return { isBlocked: true, words: `blocked by rule ${outcome.interruption.ruleId}: ${how}` };
}
