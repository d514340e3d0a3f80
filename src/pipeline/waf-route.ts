// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { WafConfig } from '../config/schema.ts';
import type { Inspection, Interruption, RequestFacts, RuleEngine } from '../waf/inspection.ts';
import type { PhaseContext } from './context.ts';

/** A body without its content coding, for inspection only: what goes upstream stays as it came. */
export type Inflated =
  | { readonly kind: 'inflated'; readonly bytes: Buffer; readonly isCut: boolean }
  /** A coding that is not known, or a body that is not what its coding says. */
  | { readonly kind: 'unreadable' };

/**
 * @param coding    Value of Content-Encoding, any case; lists are read.
 * @param bytesMax  No more than that comes out; `isCut` says that there was more.
 */
export type InflateBody = (coding: ByteText, body: Buffer, bytesMax: number) => Inflated;

/** What an exchange came to, for the audit log. */
export interface AuditedExchange {
  readonly facts: RequestFacts;
  readonly inspection: Inspection;
  readonly route: string;
  readonly outcome: string;
  /** What was done: null where nothing was. */
  readonly interruption: Interruption | null;
  /** As sent to the client; 0 for none. */
  readonly status: number;
  /** Empty where there was none, or nobody looked at it. */
  readonly requestBody: Buffer;
  readonly answerBody: Buffer;
  /** Of the upstream's answer: name, value, name, value. */
  readonly answerFields: readonly ByteText[];
  readonly endedAtMs: number;
}

export interface AuditSink {
  readonly keepsRequestBody: boolean;
  readonly keepsAnswerBody: boolean;
  write(exchange: AuditedExchange): void;
}

/** A route under rules: everything that its requests have in common. */
export interface RouteWaf {
  readonly engine: RuleEngine;
  readonly context: PhaseContext;
  readonly inflate: InflateBody;
  readonly audit: AuditSink | null;
  readonly settings: WafConfig;
  readonly route: string;
  readonly routeIndex: number;
  readonly detectsOnly: boolean;
  readonly types: ReadonlySet<string>;
  readonly serverAddress: string;
}
