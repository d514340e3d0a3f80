import type { Config } from '../config/schema.ts';
import type { Decision } from '../limiter/decision.ts';
import type { StrictLimiter } from '../limiter/strict.ts';
import type { ClientAddresses } from '../message/client-address.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { Log } from '../telemetry/log.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Route } from '../transaction.ts';
import type { UpstreamGroup } from '../upstream/group.ts';

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

/** What phases are compiled from: one configuration, as one thread holds it. */
export interface PhaseContext {
  readonly config: Config;
  readonly routes: readonly Route[];
  /** In the order of `config.upstreams`; `Route.upstream` is a position here. */
  readonly groups: readonly UpstreamGroup[];
  readonly clientAddresses: ClientAddresses;
  readonly metrics: ThreadMetrics;
  /** Metrics row by `limit:NAME`. */
  readonly policyRows: Readonly<Record<string, number>>;
  /** The thread's one way to decide about rate limits; used by one phase at a time. */
  readonly decision: Decision;
  /** The thread's way to decide in Redis; null where no rate limit is strict. */
  readonly strict: StrictLimiter | null;
  readonly load: ThreadLoad;
  readonly lines: ThreadLines;
  readonly log: Log;
}
