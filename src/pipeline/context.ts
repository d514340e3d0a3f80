import type { BanTable } from '../abuse/ban-table.ts';
import type { BanMade } from '../abuse/wire.ts';
import type { KeyFacts } from '../api-keys/key-ring.ts';
import type { DpopAsked, DpopJudged } from '../auth/dpop.ts';
import type { TrustedIssuer } from '../auth/issuer-settings.ts';
import type { TokenJudge } from '../auth/token-judge.ts';
import type { Config, ThrottleConfig } from '../config/schema.ts';
import type { Identity, Judged } from '../identity.ts';
import type { Decision } from '../limiter/decision.ts';
import type { KeyHash } from '../limiter/key-hash.ts';
import type { StrictLimiter } from '../limiter/strict.ts';
import type { SlidingWindow } from '../limiter/window.ts';
import type { BrowserLogin } from '../login/browser-login.ts';
import type { ClientAddresses } from '../message/client-address.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { Log } from '../telemetry/log.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { ConcurrencyGate } from '../throttle/concurrency.ts';
import type { ConcurrencySettings } from '../throttle/concurrency-keeper.ts';
import type { FairQueue } from '../throttle/fair-queue.ts';
import type { Shedder } from '../throttle/shedder.ts';
import type { Route } from '../transaction.ts';
import type { UpstreamGroup } from '../upstream/group.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { PatchSlot } from './waf-patches.ts';
import type { AuditSink, RouteOffload } from './waf-route.ts';
import type { WaitingCallers } from './waiting-caller.ts';

/** What a thread has under way, over all generations. */
export interface ThreadLoad {
  requests: number;
}

/**
 * Where a thread's lines go: one place over all generations, so that a request older than a reload still has its line.
 */
export interface ThreadLines {
  access: AccessLog;
  /** `log.access`. */
  accessOn: boolean;
}

/** What a thread needs to know and to make bans. */
export interface ThreadBans {
  readonly table: BanTable;
  readonly hash: KeyHash;
  /** Where failures are counted: over the table of the rate limiter. */
  readonly window: SlidingWindow;
  /** Tells the main thread. */
  readonly report: (made: BanMade) => void;
}

/** Where throttles, concurrency and shedding of one configuration are, on one thread. */
export interface TrafficParts {
  readonly shedder: Shedder;
  /** The queue of a throttle on a route. */
  queue(name: string, config: ThrottleConfig, routeName: string): FairQueue;
  /** @param name  `route:NAME` or `upstream:NAME`. */
  gate(name: string, settings: ConcurrencySettings): ConcurrencyGate;
}

/** Judges of API keys. */
export interface KeyJudge {
  judge(key: string, facts: KeyFacts): Judged;
}

/** Judges of tokens that only their server understands. */
export interface OpaqueJudge {
  judge(token: string, nowMs: number): Judged;
}

/** Proofs of possession (RFC 9449). */
export interface ProofJudge {
  /** @param asked  After a wait the same object again. */
  check(asked: DpopAsked, nowMs: number): DpopJudged;
  /** What the next proof must hold; '' where none is asked for. */
  nonce(nowMs: number): string;
}

/** Tokens of our own about callers, for upstreams. */
export interface CallerTokens {
  of(identity: Identity, audience: string, nowMs: number): string;
}

/** How one configuration tells callers apart, on one thread. */
export interface ThreadAuth {
  readonly tokens: TokenJudge;
  /** By its name in the configuration, which is checked. */
  issuer(name: string): TrustedIssuer;
  introspector(name: string): OpaqueJudge | null;
  /** By its name in the configuration, which is checked. */
  login(name: string): BrowserLogin;
  /** Null where there are none. */
  readonly apiKeys: KeyJudge | null;
  readonly proofs: ProofJudge;
  /** Was the caller, or what vouches for it, taken back? */
  revoked(identity: Identity, nowMs: number): boolean;
  /** Must tokens of who vouched for this caller be bound to a key? */
  mustProve(identity: Identity): boolean;
  /** Null for none. */
  readonly internalTokens: CallerTokens | null;
  /** Over all generations. */
  readonly waits: WaitingCallers;
}

/** Firewalls of one configuration, on one thread. */
export interface WafParts {
  /** Null where the route's mode is off. */
  engine(routeName: string): RuleEngine | null;
  /** Patches of a route that is not off. */
  patches(routeName: string): PatchSlot;
  /** Takes records of the audit log; null where there is none. */
  readonly audit: AuditSink | null;
  /** Where a route's long bodies are inspected; null where no body is long enough. */
  offload(routeName: string): RouteOffload | null;
}

/** What phases are compiled from: one configuration, as one thread holds it. */
export interface PhaseContext {
  readonly config: Config;
  readonly routes: readonly Route[];
  /** Names of the fields whose values a transaction keeps, by position: `capturedNames`. */
  readonly captured: readonly string[];
  /** In the order of `config.upstreams`; `Route.upstream` is a position here. */
  readonly groups: readonly UpstreamGroup[];
  readonly clientAddresses: ClientAddresses;
  readonly metrics: ThreadMetrics;
  readonly bans: ThreadBans;
  readonly auth: ThreadAuth;
  /** Metrics row by `KIND:NAME`. */
  readonly policyRows: Readonly<Record<string, number>>;
  /** The thread's one way to decide about rate limits; used by one phase at a time. */
  readonly decision: Decision;
  /** Queues, bounds and the shedder of the thread, with the rows of this configuration. */
  readonly traffic: TrafficParts;
  /** The thread's way to decide in Redis; null where no rate limit is strict. */
  readonly strict: StrictLimiter | null;
  /** Null where no route is under a firewall. */
  readonly waf: WafParts | null;
  readonly load: ThreadLoad;
  readonly lines: ThreadLines;
  readonly log: Log;
}
