import { type Family, one, type Sample } from './families.ts';
import { POLICY_OUTCOMES, POLICY_ROWS, type PolicyOutcome } from './layout.ts';
import type { ConcurrencyGauge, MetricsSources } from './render.ts';
import { BOUNDS_LE, type HistogramTotals, MetricsTotals } from './totals.ts';

/** The row of all policies without one of their own; no policy has such a name. */
const OTHER_POLICIES = '_other';

/** What can become of a request, by kind of policy; all of it for kinds that share the last row. */
const OUTCOMES_OF: Readonly<Record<string, readonly PolicyOutcome[]>> = {
  limit: ['admitted', 'refused', 'full', 'alone'],
  throttle: ['admitted', 'waited', 'late', 'full', 'left'],
  concurrency: ['admitted', 'refused'],
  shed: ['refused'],
  ban: ['refused'],
};
const WAIT = 'sallyport_throttle_wait_seconds';

/** What policies did, and the state of the tables of rate limits and bans. */
export function policyFamilies(sources: MetricsSources): Family[] {
  const { table, policies, limiter, bans } = sources;
  const totals = new MetricsTotals(table);
  const rows = () => [
    ...[...policies()].filter(({ row }) => row < POLICY_ROWS - 1),
    { kind: OTHER_POLICIES, name: OTHER_POLICIES, row: POLICY_ROWS - 1 },
  ];
  return [
    {
      kind: 'counter',
      name: 'sallyport_policy_requests_total',
      help: 'Requests by policy and what it made of them',
      labels: ['kind', 'policy', 'outcome'],
      read: () =>
        rows().flatMap(({ kind, name, row }) =>
          (OUTCOMES_OF[kind] ?? POLICY_OUTCOMES).map((outcome) => ({
            labels: { kind, policy: name, outcome },
            value: totals.policy(row, POLICY_OUTCOMES.indexOf(outcome)),
          })),
        ),
    },
    ...trafficFamilies(sources, totals),
    {
      kind: 'gauge',
      name: 'sallyport_limiter_slots',
      help: 'Counters that the rate limiter has room for',
      labels: [],
      read: one(() => limiter.slots),
    },
    {
      kind: 'gauge',
      name: 'sallyport_limiter_slots_used',
      help: 'Counters that belong to a key, until they are taken back',
      labels: [],
      read: one(() => limiter.inUse),
    },
    {
      kind: 'counter',
      name: 'sallyport_limiter_full_total',
      help: 'Times that a key found no room in the table of the rate limiter',
      labels: [],
      read: one(() => limiter.foundFull),
    },
    {
      kind: 'counter',
      name: 'sallyport_limiter_reclaimed_total',
      help: 'Counters taken back from keys whose windows have passed',
      labels: [],
      read: one(() => limiter.reclaimed),
    },
    {
      kind: 'gauge',
      name: 'sallyport_bans_capacity',
      help: 'Bans that there is room for',
      labels: [],
      read: one(() => bans.capacity),
    },
    {
      kind: 'gauge',
      name: 'sallyport_bans_kept',
      help: 'Bans that run, and ended ones that are remembered',
      labels: [],
      read: one(() => bans.inUse),
    },
    {
      kind: 'counter',
      name: 'sallyport_bans_made_total',
      help: 'Bans that rules made on this machine',
      labels: [],
      read: one(() => bans.made),
    },
    {
      kind: 'counter',
      name: 'sallyport_bans_evicted_total',
      help: 'Running bans given up to make room for others',
      labels: [],
      read: one(() => bans.evicted),
    },
    {
      kind: 'counter',
      name: 'sallyport_bans_locks_taken_total',
      help: 'Times that the table was taken from a thread that died, or was held up, while it wrote',
      labels: [],
      read: one(() => bans.takenLocks),
    },
    {
      kind: 'counter',
      name: 'sallyport_bans_untold_total',
      help: 'Bans that work and are not listed: more were made at once than the main thread can take in',
      labels: [],
      read: one(() => bans.untold),
    },
  ];
}

/** Throttles, concurrency, shedding. */
function trafficFamilies({ policies, throttles, concurrency }: MetricsSources, totals: MetricsTotals): Family[] {
  const bounds = (value: (gauge: ConcurrencyGauge) => number) => () =>
    concurrency().map((gauge) => ({ labels: { policy: gauge.policy }, value: value(gauge) }));
  return [
    {
      kind: 'gauge',
      name: 'sallyport_throttle_waiting',
      help: 'Requests that wait for a throttle',
      labels: ['policy'],
      read: () => throttles().map(({ policy, waiting }) => ({ labels: { policy }, value: waiting })),
    },
    {
      kind: 'histogram',
      name: WAIT,
      help: 'Time that requests waited for a throttle, however it ended',
      labels: ['policy'],
      read: () =>
        [...policies()]
          .filter(({ kind, row }) => kind === 'throttle' && row < POLICY_ROWS - 1)
          .flatMap(({ name, row }) => waitsOf(name, totals.waits(row))),
    },
    {
      kind: 'gauge',
      name: 'sallyport_concurrency_limit',
      help: 'Most requests under way at once, as it is now',
      labels: ['policy'],
      read: bounds(({ limit }) => limit),
    },
    {
      kind: 'gauge',
      name: 'sallyport_concurrency_requests',
      help: 'Requests under way that count against the limit',
      labels: ['policy'],
      read: bounds(({ underWay }) => underWay),
    },
    {
      kind: 'gauge',
      name: 'sallyport_concurrency_min_rtt_seconds',
      help: 'Latency without load that an adaptive limit goes by, 0 where none is known',
      labels: ['policy'],
      read: bounds(({ minRttMs }) => minRttMs / 1_000),
    },
    {
      kind: 'gauge',
      name: 'sallyport_shedding_level',
      help: 'Overload of the busiest thread from 0 to 1, above 0 while requests are shed',
      labels: [],
      read: one(() => totals.shedLevel()),
    },
  ];
}

function waitsOf(policy: string, { cumulative, sumMs }: HistogramTotals): Sample[] {
  return [
    ...cumulative.map((value, bucket) => ({
      metricName: `${WAIT}_bucket`,
      labels: { policy, le: BOUNDS_LE[bucket] ?? '+Inf' },
      value,
    })),
    { metricName: `${WAIT}_sum`, labels: { policy }, value: sumMs / 1_000 },
    { metricName: `${WAIT}_count`, labels: { policy }, value: cumulative.at(-1) ?? 0 },
  ];
}
