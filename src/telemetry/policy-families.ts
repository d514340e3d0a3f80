import type { Family } from './families.ts';
import { POLICY_OUTCOMES, POLICY_ROWS } from './layout.ts';
import type { MetricsSources } from './render.ts';
import { MetricsTotals } from './totals.ts';

/** The row of all policies without one of their own; no policy has such a name. */
const OTHER_POLICIES = '_other';

/** What policies did, and the state of the tables of rate limits and bans. */
export function policyFamilies({ table, policies, limiter, bans }: MetricsSources): Family[] {
  const totals = new MetricsTotals(table);
  const rows = () => [
    ...[...policies()].filter(({ row }) => row < POLICY_ROWS - 1),
    { kind: OTHER_POLICIES, name: OTHER_POLICIES, row: POLICY_ROWS - 1 },
  ];
  const one = (value: () => number) => () => [{ labels: {}, value: value() }];
  return [
    {
      kind: 'counter',
      name: 'sallyport_policy_requests_total',
      help: 'Requests by policy and what it made of them',
      labels: ['kind', 'policy', 'outcome'],
      read: () =>
        rows().flatMap(({ kind, name, row }) =>
          POLICY_OUTCOMES.map((outcome, word) => ({
            labels: { kind, policy: name, outcome },
            value: totals.policy(row, word),
          })),
        ),
    },
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
