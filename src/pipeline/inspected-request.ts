// hot path: synchronous, never throws
import { type ByteText, byteTextOf, byteTextOfString } from '../base/byte-text.ts';
import { takesPart } from '../config/waf-sources.ts';
import type { WafOutcome } from '../telemetry/layout.ts';
import type { GoOn, RequestInspection, Transaction } from '../transaction.ts';
import { PASS, PENDING, refuse, type Verdict } from '../verdict.ts';
import type { Inspection, Interruption, PhaseOutcome, RequestFacts, RuleMatch } from '../waf/inspection.ts';
import { fieldOf, fieldsOfHead } from './answer-fields.ts';
import { canaryShare } from './canary-share.ts';
import { HeldAnswer } from './held-answer.ts';
import type { PoolAnswer, PoolAsking } from './inspect-pool.ts';
import { refusalOfRule } from './refusal-of-rule.ts';
import { retryLater } from './retry-later.ts';
import { seenBody } from './seen-body.ts';
import { wafText } from './waf-log.ts';
import type { RouteOffload, RouteWaf } from './waf-route.ts';

const NO_BYTES = Buffer.alloc(0);
const NO_FIELDS: readonly ByteText[] = Object.freeze([]);
const THREAD_DIED: PhaseOutcome = Object.freeze({
  kind: 'failed',
  error: 'the inspect thread ended before it had a verdict',
});
/** A queue that is full has moved on by then. */
const RETRY_SECONDS = 1;

/**
 * One request under the rules of its route, from phase 1 to phase 5: runs the phases, says what becomes of it, counts,
 * and tells the logs.
 *
 * Threads: one.
 */
export class InspectedRequest implements RequestInspection {
  readonly bodyBytesMax: number;
  readonly takesPart: boolean;
  readonly #waf: RouteWaf;
  readonly #facts: RequestFacts;
  /** Those that it began with: `LivePatches.digest`, '' for none. */
  readonly #patches: string;
  readonly #inspection: Inspection;
  #interruption: Interruption | null = null;
  #isFailed = false;
  #answer: HeldAnswer | null = null;
  #asking: PoolAsking | null = null;
  #requestBody: Buffer = NO_BYTES;
  #answerBody: Buffer = NO_BYTES;
  #answerFields: readonly ByteText[] = NO_FIELDS;

  constructor(tx: Transaction, waf: RouteWaf) {
    const { settings, detectsOnly } = waf;
    this.#waf = waf;
    this.bodyBytesMax = settings.requestBodyBytesMax;
    this.takesPart = detectsOnly || takesPart(settings);
    this.#facts = factsOf(tx, waf);
    const patches = waf.patches.live;
    this.#patches = patches?.digest ?? '';
    this.#inspection = waf.engine.begin(this.#facts, patches?.rules);
  }

  get wantsBody(): boolean {
    return this.#inspection.wantsRequestBody;
  }

  /** SecLang's phase 1. */
  head(tx: Transaction): Verdict {
    return this.#judge(tx, this.#inspection.requestHeaders());
  }

  body(tx: Transaction, body: Buffer, isPartial: boolean, later: GoOn | null): Verdict {
    const { audit, detectsOnly, context, routeIndex } = this.#waf;
    const coding = fieldOf(this.#facts.fields, 'content-encoding');
    const seen = seenBody(coding, body, isPartial, this.bodyBytesMax, detectsOnly);
    if (seen.kind === 'refuse') return refuse(seen.code);
    if (isPartial) context.metrics.unseenBody(routeIndex, 'request-cut');
    else if (seen.isCoded) context.metrics.unseenBody(routeIndex, 'request-coded');
    const text = seen.bytes;
    if (audit !== null) this.#requestBody = text;
    const { offload } = this.#waf;
    if (offload !== null && later !== null && text.length > offload.bytesMin) {
      return this.#handOver(tx, offload, text, isPartial, later);
    }
    return this.#judge(tx, this.#inspection.requestBody(byteTextOf(text), isPartial));
  }

  /** Phase 2 on an inspect thread. */
  #handOver(tx: Transaction, offload: RouteOffload, text: Buffer, isPartial: boolean, later: GoOn): Verdict {
    const { digest, profile, limits, pool } = offload;
    const snapshot = this.#inspection.snapshot();
    const work = { digest, profile, patches: this.#patches, facts: this.#facts, snapshot, text, isPartial };
    this.#asking = pool.ask(work, limits, (answer) => later(() => this.#adopt(tx, text, isPartial, answer)));
    return this.#asking === null ? this.#tooBusy() : PENDING;
  }

  #adopt(tx: Transaction, text: Buffer, isPartial: boolean, answer: PoolAnswer): Verdict {
    const inspection = this.#inspection;
    switch (answer.kind) {
      case 'done':
        inspection.adoptRequestBody(byteTextOf(text), isPartial, answer.snapshot);
        return this.#judge(tx, answer.outcome);
      case 'unknown':
        // Rules of before a reload: this thread has them still.
        return this.#judge(tx, inspection.requestBody(byteTextOf(text), isPartial));
      case 'died':
        return this.#judge(tx, THREAD_DIED);
      case 'late':
        return this.#tooBusy();
    }
  }

  /** Inspect threads have no time for the body. */
  #tooBusy(): Verdict {
    const { detectsOnly, context, routeIndex } = this.#waf;
    if (!detectsOnly) return retryLater('SP_WAF_BUSY', RETRY_SECONDS);
    context.metrics.unseenBody(routeIndex, 'request-busy');
    return PASS;
  }

  answer(tx: Transaction): Verdict {
    const { settings, detectsOnly, context, routeIndex } = this.#waf;
    const fields = tx.answerHead === null ? [] : fieldsOfHead(tx.answerHead);
    tx.answerHead = null;
    if (tx.answerLength >= 0) fields.push('content-length', String(tx.answerLength));
    this.#answerFields = fields;
    const inspection = this.#inspection;
    const verdict = this.#judge(tx, inspection.responseHeaders(tx.status, fields));
    if (verdict.kind === 'refuse') return verdict;
    if (!hasBody(tx) || !inspection.wantsResponseBody) {
      return this.#judgeAnswer(tx, NO_BYTES, false);
    }
    const coding = fieldOf(fields, 'content-encoding').toLowerCase();
    if (coding !== '' && coding !== 'identity') {
      context.metrics.unseenBody(routeIndex, 'answer-coded');
      return this.#judgeAnswer(tx, NO_BYTES, false);
    }
    const bytesMax = settings.responseBodyBytesMax;
    const takesPart = detectsOnly || settings.responseBodyOver === 'partial';
    if (tx.answerLength > bytesMax && !takesPart) return refuse('SP_WAF_ANSWER_TOO_LARGE');
    this.#answer = new HeldAnswer(tx, {
      bytesMax,
      takesPart,
      judge: (body, isPartial) => this.#judgeAnswer(tx, body, isPartial),
    });
    return PASS;
  }

  refused(): void {
    this.#answer?.stepAside();
  }

  end(tx: Transaction, nowMs: number): void {
    const { context, audit, route, routeIndex } = this.#waf;
    const { metrics } = context;
    const inspection = this.#inspection;
    this.#asking?.cancel();
    this.#judge(tx, inspection.logging());
    const matches = inspection.matches.filter(({ logged }) => logged);
    const outcome = this.#outcome(matches.length > 0);
    metrics.inspected(routeIndex, outcome);
    for (const { ruleId, action } of matches) metrics.ruleHeld(ruleId, action);
    tx.wafText = outcome === 'passed' ? '' : wafText(outcome, matches, inspection);
    if (audit === null || !inspection.wantsAudit) return;
    audit.write({
      facts: this.#facts,
      inspection,
      route,
      outcome,
      interruption: this.#interruption,
      status: tx.status,
      requestBody: this.#requestBody,
      answerBody: this.#answerBody,
      answerFields: this.#answerFields,
      endedAtMs: nowMs,
    });
  }

  #outcome(hasMatches: boolean): WafOutcome {
    if (this.#interruption !== null) return 'blocked';
    if (this.#isFailed) return 'failed';
    // Asked for and not done: the mode of the route, or of a rule, is detection only.
    if (this.#inspection.interruption !== null || this.#inspection.matches.some(isDetected)) return 'detected';
    return hasMatches ? 'matched' : 'passed';
  }

  #judgeAnswer(tx: Transaction, body: Buffer, isPartial: boolean): Verdict {
    const { audit, context, routeIndex } = this.#waf;
    if (isPartial) context.metrics.unseenBody(routeIndex, 'answer-cut');
    const verdict = this.#judge(tx, this.#inspection.responseBody(byteTextOf(body), isPartial));
    // The bytes are lent.
    if (audit !== null && this.#inspection.auditParts.includes('E')) this.#answerBody = Buffer.from(body);
    return verdict;
  }

  #judge(tx: Transaction, outcome: PhaseOutcome): Verdict {
    if (outcome.kind === 'pass') return PASS;
    const { detectsOnly, settings, context, route } = this.#waf;
    if (outcome.kind === 'failed') {
      // Once: phases behind it fail for the same reason.
      if (!this.#isFailed) {
        const facts = { err: outcome.error, code: 'SP_WAF_FAILED', requestId: tx.requestId, route };
        context.log.error(facts, 'the firewall could not inspect a request');
      }
      this.#isFailed = true;
      return detectsOnly || settings.onFailure === 'pass' ? PASS : refuse('SP_WAF_FAILED');
    }
    this.#interruption = outcome.interruption;
    tx.reason = `rule ${outcome.interruption.ruleId}`;
    return refusalOfRule(outcome.interruption);
  }
}

function factsOf(tx: Transaction, { serverAddress, context, canary }: RouteWaf): RequestFacts {
  const { listen } = context.config;
  return {
    uniqueId: tx.requestId,
    clientAddress: tx.client,
    // The front does not tell it.
    clientPort: 0,
    serverAddress,
    serverPort: tx.secure ? listen.https.port : listen.http.port,
    method: tx.method,
    target: byteTextOfString(tx.rawPath + tx.query),
    path: byteTextOfString(tx.path),
    protocol: 'HTTP/1.1',
    fields: tx.receivedFields ?? NO_FIELDS,
    startedAtMs: tx.startedAtMs,
    share: canary === null ? 0 : canaryShare(canary, tx.client),
  };
}

/** By a rule that would end the request, and does not act for this client. */
const isDetected = ({ action, disruptive }: RuleMatch): boolean => disruptive && action === 'detected';

function hasBody({ method, status }: Transaction): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}
