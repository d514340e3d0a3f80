import type { BanTable } from '../abuse/ban-table.ts';
import type { BanMade } from '../abuse/wire.ts';
import type { ThreadKeys } from '../auth/key-ring.ts';
import type { Config, ThrottleConfig } from '../config/schema.ts';
import type { Decision } from '../limiter/decision.ts';
import type { KeyHash } from '../limiter/key-hash.ts';
import type { StrictLimiter } from '../limiter/strict.ts';
import type { SlidingWindow } from '../limiter/window.ts';
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

/** What phases are compiled from: one configuration, as one thread holds it. */
export interface PhaseContext {
  readonly config: Config;
  readonly routes: readonly Route[];
  /** In the order of `config.upstreams`; `Route.upstream` is a position here. */
  readonly groups: readonly UpstreamGroup[];
  readonly clientAddresses: ClientAddresses;
  readonly metrics: ThreadMetrics;
  readonly bans: ThreadBans;
  /** Metrics row by `KIND:NAME`. */
  readonly policyRows: Readonly<Record<string, number>>;
  /** The thread's one way to decide about rate limits; used by one phase at a time. */
  readonly decision: Decision;
  /** Queues, bounds and the shedder of the thread, with the rows of this configuration. */
  readonly traffic: TrafficParts;
  /** The thread's way to decide in Redis; null where no rate limit is strict. */
  readonly strict: StrictLimiter | null;
  /** Keys of the issuers of this configuration. */
  readonly keys: ThreadKeys;
  readonly load: ThreadLoad;
  readonly lines: ThreadLines;
  readonly log: Log;
}
