import { collectDefaultMetrics, Registry } from 'prom-client';
import { ERROR_CODES, ERRORS } from '../errors.ts';
import { callerFamilies } from './caller-families.ts';
import { type Family, registerFamilies, type Sample } from './families.ts';
import { identityFamilies } from './identity-families.ts';
import { type IssuerGauge, issuerFamilies } from './issuer-families.ts';
import { keyFamilies } from './key-families.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CONNECT_FAILED,
  DURATION_BUCKETS,
  DURATION_SUM,
  EJECTED,
  HANDLER_ERRORS,
  IN_FLIGHT,
  LOG_LINES_LOST,
  OPENED,
  OUTCOME_CLASSES,
  OUTCOMES,
  RETRIED,
  REUSED,
  STATUS_CLASSES,
  UPSTREAM_BUCKETS,
  UPSTREAM_SUM,
  WEBSOCKETS,
} from './layout.ts';
import type { MainMetrics } from './main-metrics.ts';
import { policyFamilies } from './policy-families.ts';
import { redisFamilies } from './redis-families.ts';
import { routeRows } from './route-rows.ts';
import { type MeteredTarget, TargetCounts } from './target-counts.ts';
import { BOUNDS_LE, MetricsTotals } from './totals.ts';
import { wafFamilies } from './waf-families.ts';

export interface MeteredRoute {
  /** `Route.index`. */
  readonly index: number;
  readonly name: string;
}

export interface MeteredPolicy {
  readonly kind: string;
  readonly name: string;
  readonly row: number;
}

/** Requests that wait for a throttle. */
export interface ThrottleGauge {
  readonly policy: string;
  readonly waiting: number;
}

/** A bound on concurrency. */
export interface ConcurrencyGauge {
  /** `route:NAME` or `upstream:NAME`. */
  readonly policy: string;
  readonly limit: number;
  readonly underWay: number;
  /** Latency without load, milliseconds; 0 where none is known. */
  readonly minRttMs: number;
}

/** State of the rate limiter's table. */
export interface LimiterGauges {
  readonly slots: number;
  readonly inUse: number;
  readonly foundFull: number;
  readonly reclaimed: number;
}

/** State of the table of bans. */
export interface BanGauges {
  readonly capacity: number;
  readonly inUse: number;
  readonly evicted: number;
  /** Bans that threads of this process made. */
  readonly made: number;
  readonly takenLocks: number;
  readonly untold: number;
}

/** State of the API keys. */
export interface KeyGauges {
  /** Changes are taken, and those of other gateways heard. */
  readonly isUp: boolean;
  /** Changes by operators of this gateway. */
  readonly made: number;
  /** Changes that came from other gateways. */
  readonly heard: number;
  /** Keys by how they stand. */
  counts(): Readonly<Record<string, number>>;
}

/** State of revocations. */
export interface RevocationGauges {
  readonly capacity: number;
  readonly inUse: number;
  /** Those of other machines that do not hold for want of room. */
  readonly unenforced: number;
  readonly refused: number;
}

/** State of the table of proofs seen. */
export interface ReplayGauges {
  readonly capacity: number;
  readonly inUse: number;
  readonly seen: number;
  readonly full: number;
  /** Taken without the other machines. */
  readonly alone: number;
}

/** State of virtual patches. */
export interface PatchGauges {
  /** Files. */
  readonly live: number;
  /** Why their folder as it is now is not in force; null where it is. */
  readonly refusal: string | null;
  /** Changes of the folder. */
  readonly refused: number;
  /** Files. */
  readonly expired: number;
}

/** State of the exchange of counts through Redis. */
export interface RedisGauges {
  readonly isUp: boolean;
  readonly exchanges: number;
  readonly failures: number;
  readonly counts: number;
  readonly fallbacks: number;
  readonly clockSteps: number;
  readonly roundTripMs: number;
  readonly lagMs: number;
}

export interface MetricsSources {
  /** From `createMetricsTable`. */
  readonly table: SharedArrayBuffer;
  /** Routes of the configuration in force. */
  readonly routes: () => Iterable<MeteredRoute>;
  /** Targets of the configuration in force. */
  readonly targets: () => Iterable<MeteredTarget>;
  readonly main: MainMetrics;
  readonly bans: BanGauges;
  /** Null where there are none. */
  readonly keys: KeyGauges | null;
  readonly revocations: RevocationGauges;
  readonly replays: ReplayGauges;
  readonly patches: PatchGauges;
  /** Policies of the configuration in force, with their rows. */
  readonly policies: () => Iterable<MeteredPolicy>;
  readonly limiter: LimiterGauges;
  readonly throttles: () => readonly ThrottleGauge[];
  readonly concurrency: () => readonly ConcurrencyGauge[];
  /** Null where Redis is off. */
  readonly redis: RedisGauges | null;
  /** Issuers whose keys are fetched or read, in the configuration in force. */
  readonly issuers: () => readonly IssuerGauge[];
  /** Lines that the main thread dropped, of the log and of the audit log. */
  readonly logLinesLost: () => number;
  readonly version: string;
  /** Wall clock, milliseconds; Date.now when absent. */
  readonly nowMs?: () => number;
}

export interface MetricsRenderer {
  readonly contentType: string;
  /** Prometheus text, format 0.0.4. Calls while one is under way share its answer. */
  render(): Promise<string>;
}

const DAY_MS = 86_400_000;

/**
 * Builds /metrics. Everything is read when somebody scrapes, on the main thread, from memory the threads write anyway:
 * a scrape never holds a request. Names, labels and meanings are in docs/metrics.md.
 *
 * Also switches on prom-client's own process and Node.js metrics (of the main thread and the whole process).
 */
export function createMetricsRenderer(sources: MetricsSources): MetricsRenderer {
  const registry = new Registry();
  registerFamilies(registry, [
    ...requestFamilies(sources),
    ...upstreamFamilies(sources),
    ...policyFamilies(sources),
    ...callerFamilies(sources),
    ...wafFamilies(sources),
    ...keyFamilies(sources),
    ...identityFamilies(sources),
    ...redisFamilies(sources),
    ...issuerFamilies(sources),
    ...processFamilies(sources),
  ]);
  collectDefaultMetrics({ register: registry });
  let running: Promise<string> | null = null;
  return {
    contentType: registry.contentType,
    render() {
      running ??= registry.metrics().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

function requestFamilies({ table, routes }: MetricsSources): Family[] {
  const totals = new MetricsTotals(table);
  const rows = () => routeRows(routes(), totals);
  const perRoute = (word: number) => () =>
    rows().map(({ row, route }) => ({ labels: { route }, value: totals.route(row, word) }));
  const histogram = (name: string, sumWord: number, firstBucketWord: number) => () =>
    rows().flatMap(({ row, route }) => {
      const { cumulative, sumMs } = totals.histogram(row, sumWord, firstBucketWord);
      const buckets: Sample[] = cumulative.map((value, bucket) => ({
        metricName: `${name}_bucket`,
        labels: { route, le: BOUNDS_LE[bucket] ?? '+Inf' },
        value,
      }));
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels: { route }, value: sumMs / 1_000 },
        { metricName: `${name}_count`, labels: { route }, value: cumulative.at(-1) ?? 0 },
      ];
    });
  const duration = 'sallyport_request_duration_seconds';
  const upstream = 'sallyport_upstream_duration_seconds';
  const thread = (word: number) => () => [{ labels: {}, value: totals.thread(word) }];
  return [
    {
      kind: 'counter',
      name: 'sallyport_requests_total',
      help: 'Finished requests by route and class of status',
      labels: ['route', 'code_class'],
      read: () =>
        rows().flatMap(({ row, route }) =>
          STATUS_CLASSES.map((codeClass, word) => ({
            labels: { route, code_class: codeClass },
            value: totals.route(row, word),
          })),
        ),
    },
    {
      kind: 'histogram',
      name: duration,
      help: 'Time from the first byte of a request to the last of its answer',
      labels: ['route'],
      read: histogram(duration, DURATION_SUM, DURATION_BUCKETS),
    },
    {
      kind: 'histogram',
      name: upstream,
      help: 'Time from the first try at an upstream to the head of its answer',
      labels: ['route'],
      read: histogram(upstream, UPSTREAM_SUM, UPSTREAM_BUCKETS),
    },
    {
      kind: 'counter',
      name: 'sallyport_request_bytes_total',
      help: 'Bytes received from clients',
      labels: ['route'],
      read: perRoute(BYTES_IN),
    },
    {
      kind: 'counter',
      name: 'sallyport_response_bytes_total',
      help: 'Bytes sent to clients',
      labels: ['route'],
      read: perRoute(BYTES_OUT),
    },
    {
      kind: 'gauge',
      name: 'sallyport_requests_in_flight',
      help: 'Requests under way',
      labels: [],
      read: thread(IN_FLIGHT),
    },
    {
      kind: 'gauge',
      name: 'sallyport_websockets_open',
      help: 'WebSocket connections open',
      labels: [],
      read: thread(WEBSOCKETS),
    },
    {
      kind: 'counter',
      name: 'sallyport_refusals_total',
      help: 'Requests that ended with a code of docs/errors.md, and the side at fault',
      labels: ['code', 'side'],
      read: () =>
        ERROR_CODES.map((code, index) => ({ labels: { code, side: ERRORS[code].side }, value: totals.error(index) })),
    },
    {
      kind: 'counter',
      name: 'sallyport_handler_errors_total',
      help: 'Errors thrown while a request was handled, each one a bug',
      labels: [],
      read: thread(HANDLER_ERRORS),
    },
  ];
}

function upstreamFamilies({ table, targets }: MetricsSources): Family[] {
  const counts = new TargetCounts(new MetricsTotals(table), targets);
  const labels = ['upstream', 'target'];
  const counter = (name: string, help: string, word: number): Family => ({
    kind: 'counter',
    name,
    help,
    labels,
    read: () => counts.read().map((target) => ({ labels: target.labels, value: target.count(word) })),
  });
  return [
    counter('sallyport_upstream_connections_opened_total', 'Connections made to a target', OPENED),
    counter('sallyport_upstream_connections_reused_total', 'Requests that went over a kept connection', REUSED),
    counter('sallyport_upstream_connections_failed_total', 'Connections that could not be made', CONNECT_FAILED),
    {
      kind: 'counter',
      name: 'sallyport_upstream_requests_total',
      help: 'Tries at a target by class of status, or failure',
      labels: [...labels, 'outcome'],
      read: () =>
        counts.read().flatMap((target) =>
          OUTCOME_CLASSES.map((outcome, index) => ({
            labels: { ...target.labels, outcome },
            value: target.count(OUTCOMES + index),
          })),
        ),
    },
    counter('sallyport_upstream_retries_total', 'Requests tried again after this target failed them', RETRIED),
    counter('sallyport_upstream_ejections_total', 'Times the target was left out after failures', EJECTED),
    {
      kind: 'gauge',
      name: 'sallyport_upstream_target_usable',
      help: '1 while the target gets requests, 0 while it is left out',
      labels,
      read: () => counts.read().map((target) => ({ labels: target.labels, value: target.usable ? 1 : 0 })),
    },
  ];
}

function processFamilies({ table, main, logLinesLost, version, nowMs = Date.now }: MetricsSources): Family[] {
  const totals = new MetricsTotals(table);
  const one = (value: () => number) => () => [{ labels: {}, value: value() }];
  return [
    {
      kind: 'counter',
      name: 'sallyport_log_lines_lost_total',
      help: 'Lines of the log and the audit log dropped because nothing took them: too slow, gone, a full disk',
      labels: [],
      read: one(() => totals.thread(LOG_LINES_LOST) + logLinesLost()),
    },
    {
      kind: 'gauge',
      name: 'sallyport_threads',
      help: 'Ingress threads by state',
      labels: ['state'],
      read: () => Object.entries(main.threads).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      kind: 'counter',
      name: 'sallyport_thread_restarts_total',
      help: 'Threads that ended unexpectedly and were replaced',
      labels: [],
      read: one(() => main.threadRestarts),
    },
    {
      kind: 'gauge',
      name: 'sallyport_thread_loop_delay_seconds',
      help: 'Highest lateness of a timer in the last 15 to 30 seconds',
      labels: ['thread'],
      read: () => totals.loopDelays().map((ms, index) => ({ labels: { thread: String(index) }, value: ms / 1_000 })),
    },
    {
      kind: 'counter',
      name: 'sallyport_reloads_total',
      help: 'Reloads of the configuration by result',
      labels: ['result'],
      read: () => [
        { labels: { result: 'applied' }, value: main.reloadsApplied },
        { labels: { result: 'refused' }, value: main.reloadsRefused },
      ],
    },
    {
      kind: 'gauge',
      name: 'sallyport_config_info',
      help: 'Always 1; the label is the fingerprint of the configuration in force',
      labels: ['digest'],
      read: () => [{ labels: { digest: main.configDigest }, value: 1 }],
    },
    {
      kind: 'gauge',
      name: 'sallyport_config_generation',
      help: 'Number of the configuration in force, 1 for that of the start',
      labels: [],
      read: one(() => main.generation),
    },
    {
      kind: 'gauge',
      name: 'sallyport_config_applied_timestamp_seconds',
      help: 'When the configuration in force was applied, seconds since the epoch',
      labels: [],
      read: one(() => main.configAppliedAtMs / 1_000),
    },
    {
      kind: 'gauge',
      name: 'sallyport_certificate_expiry_days',
      help: 'Days until the certificate ends, below 0 once it has',
      labels: ['name'],
      // Two certificates may share a name (RSA and ECDSA): the first to end is the one to look after.
      read: () => {
        const soonest = new Map<string, number>();
        for (const { name, expiresAtMs } of main.certificates) {
          soonest.set(name, Math.min(expiresAtMs, soonest.get(name) ?? Number.POSITIVE_INFINITY));
        }
        return [...soonest].map(([name, endMs]) => ({ labels: { name }, value: (endMs - nowMs()) / DAY_MS }));
      },
    },
    {
      kind: 'gauge',
      name: 'sallyport_build_info',
      help: 'Always 1; the labels are the versions that run',
      labels: ['version', 'node'],
      read: () => [{ labels: { version, node: process.version }, value: 1 }],
    },
  ];
}
