// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { WafConfig } from '../config/schema.ts';
import type { KeyHash } from '../limiter/key-hash.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { Inspection, Interruption, RequestFacts } from '../waf/inspection.ts';
import type { PhaseContext } from './context.ts';
import type { InspectPool, PoolLimits } from './inspect-pool.ts';
import type { PatchSlot } from './waf-patches.ts';

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
  /** Without its content coding. Empty where there was none, or nobody looked at it. */
  readonly requestBody: Buffer;
  readonly answerBody: Buffer;
  /** Of the upstream's answer: name, value, name, value. */
  readonly answerFields: readonly ByteText[];
  readonly endedAtMs: number;
}

export interface AuditSink {
  write(exchange: AuditedExchange): void;
}

/** Where long bodies of a route are inspected. */
export interface RouteOffload {
  readonly pool: InspectPool;
  readonly limits: PoolLimits;
  /** Longer bodies go there. */
  readonly bytesMin: number;
  readonly digest: string;
  readonly profile: string;
}

/** A route under rules: everything that its requests have in common. */
export interface RouteWaf {
  readonly engine: RuleEngine;
  readonly patches: PatchSlot;
  readonly context: PhaseContext;
  readonly audit: AuditSink | null;
  /** Null where no body is long enough. */
  readonly offload: RouteOffload | null;
  readonly settings: WafConfig;
  readonly route: string;
  readonly routeIndex: number;
  readonly detectsOnly: boolean;
  /** Draws the clients that rules on trial act for; null where there are no such rules. */
  readonly canary: KeyHash | null;
  readonly serverAddress: string;
}
