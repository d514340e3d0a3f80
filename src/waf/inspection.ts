import type { ByteText } from '../base/byte-text.ts';
import type { InspectionSnapshot } from './inspection-snapshot.ts';

/** What a rule set wants to know of a request before its body. Byte text throughout. */
export interface RequestFacts {
  readonly uniqueId: string;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  readonly method: ByteText;
  /** As in the request line, query included. */
  readonly target: ByteText;
  /** The path as the upstream gets it, normalised, nothing decoded; absent where it is that of the target. */
  readonly path?: ByteText | undefined;
  /** `HTTP/1.1`. */
  readonly protocol: ByteText;
  /** Name, value, name, value: every field of the head as received, in order; names in any case. */
  readonly fields: readonly ByteText[];
  /** Wall clock, milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Where the client stands among a hundred, 0 <= share < 100: rules on trial act for those below; 0 unless given. */
  readonly share?: number | undefined;
}

/** A rule ended the request: SecLang's disruptive actions. */
export interface Interruption {
  readonly kind: 'deny' | 'drop' | 'redirect';
  /** HTTP status of the answer: 403 where the rule names none, 302 for a redirect. */
  readonly status: number;
  /** Where to, macros expanded; '' for the others. */
  readonly url: ByteText;
  readonly ruleId: number;
}

/** A rule that held, for logs and people. */
export interface RuleMatch {
  readonly ruleId: number;
  readonly phase: number;
  readonly file: string;
  readonly line: number;
  /** `msg` and `logdata`, macros expanded when it held; '' without. */
  readonly message: ByteText;
  readonly data: ByteText;
  /** As a number, 0 EMERGENCY to 7 DEBUG; -1 without. */
  readonly severity: number;
  readonly tags: readonly ByteText[];
  readonly version: ByteText;
  readonly revision: ByteText;
  /** What held, of the last link of a chain: `ARGS:id`, and its value before and after transformations. */
  readonly variable: ByteText;
  readonly value: ByteText;
  readonly transformed: ByteText;
  /** Operator and parameter as written: `@rx ^a`. */
  readonly operator: ByteText;
  /**
   * What it did: ended the request; asked for that, and did not, in detection only; passed it over others; added to an
   * anomaly score; none of those.
   */
  readonly action: 'blocked' | 'detected' | 'allowed' | 'scored' | 'matched';
  /** Its disruptive action asked to end the request; in detection only it did not. */
  readonly disruptive: boolean;
  /** `log` and `auditlog` hold: it belongs in the error log, in the audit log. */
  readonly logged: boolean;
  readonly audited: boolean;
}

/** What a phase came to. */
export type PhaseOutcome =
  | { readonly kind: 'pass' }
  | { readonly kind: 'interrupt'; readonly interruption: Interruption }
  /** Something in the engine failed. The request is not known to be clean: the caller decides, by configuration. */
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * One request under a rule set. Methods are called once each, in this order, as far as the request gets; none throws.
 * Threads: one.
 */
export interface Inspection {
  /** Phase 1. */
  requestHeaders(): PhaseOutcome;
  /** Phase 2 wants the body's bytes: rules look at it, and the rule set reads bodies. */
  readonly wantsRequestBody: boolean;
  /**
   * Phase 2.
   * @param body       The whole body, or its beginning where it was over the limit and the limit's action is `partial`.
   *                   Empty for none.
   * @param isPartial  The body was cut.
   */
  requestBody(body: ByteText, isPartial: boolean): PhaseOutcome;
  /** Where it stands between two phases: for a thread that goes on with it. */
  snapshot(): InspectionSnapshot;
  /** Phase 2 ran on another thread, over the same body. @param snapshot  Of that thread, behind phase 2. */
  adoptRequestBody(body: ByteText, isPartial: boolean, snapshot: InspectionSnapshot): void;
  /** Phase 3. @param fields  As in RequestFacts. */
  responseHeaders(status: number, fields: readonly ByteText[]): PhaseOutcome;
  /** Phase 4 wants the answer's bytes: asked after phase 3, by MIME type and by whether any rule looks. */
  readonly wantsResponseBody: boolean;
  /** Phase 4. */
  responseBody(body: ByteText, isPartial: boolean): PhaseOutcome;
  /** Phase 5: after the answer. Interrupts nothing. */
  logging(): PhaseOutcome;
  /** Every rule that held and is not silent, in order. */
  readonly matches: readonly RuleMatch[];
  /** The first interruption that was asked for, also where the mode is detection only; null for none. */
  readonly interruption: Interruption | null;
  /** TX:name, for scores in logs; '' where it is not set. */
  score(name: string): ByteText;
  /** SecAuditEngine and ctl:auditEngine say that this request belongs in the audit log. */
  readonly wantsAudit: boolean;
  /** Letters of the parts that belong in its entry: those of the configuration, as ctl:auditLogParts changed them. */
  readonly auditParts: string;
}

/** SecLang's SecRuleEngine, per route. */
export type WafMode = 'off' | 'detect' | 'block';

/** What a route asks of a rule set: all of it at compile time. */
export interface WafProfile {
  readonly mode: WafMode;
  /** CRS paranoia levels, 1 to 4; null: as the rule set says. `detection` is at least `blocking`. */
  readonly blockingParanoia: number | null;
  readonly detectionParanoia: number | null;
  /** Anomaly scores from which CRS blocks; null: as the rule set says. */
  readonly inboundThreshold: number | null;
  readonly outboundThreshold: number | null;
  /** Rules that do not run: ids or ranges (`942100`, `942000-942999`), and tags as written in rules. */
  readonly withoutIds: readonly string[];
  readonly withoutTags: readonly string[];
  /** Targets that rules do not look at: `ARGS:password` for all rules, or those of ids or a tag. */
  readonly withoutTargets: readonly TargetExclusion[];
  /** Rules that act for some clients only, or for none. */
  readonly trials: readonly RuleTrial[];
}

export interface RuleTrial {
  /** As in `withoutIds` and `withoutTags`. */
  readonly ids: readonly string[];
  readonly tags: readonly string[];
  /** Of clients, 0 to 100. For the others the rules hold, are told, and change nothing. */
  readonly percent: number;
}

export interface TargetExclusion {
  /** SecLang variable: `ARGS:password`, `REQUEST_COOKIES:/^sess/`. */
  readonly target: string;
  /** Empty and null: every rule. */
  readonly ids: readonly string[];
  readonly tag: string | null;
}
