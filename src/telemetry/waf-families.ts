import type { Family } from './families.ts';
import {
  OFFLOAD_REFUSALS,
  OFFLOADED,
  OFFLOADS_REFUSED,
  OFFLOADS_UNDER_WAY,
  RULE_ACTIONS,
  WAF,
  WAF_OUTCOMES,
  WAF_UNSEEN,
  WAF_UNSEEN_BODIES,
} from './layout.ts';
import type { MetricsSources } from './render.ts';
import { routeRows } from './route-rows.ts';
import { MetricsTotals } from './totals.ts';

/** All rules without a counter of their own; no rule has such an id. */
const OTHER = '_other';

/** What the firewall did. */
export function wafFamilies({ table, routes, main, patches }: MetricsSources): Family[] {
  const totals = new MetricsTotals(table);
  const perRoute = (first: number, words: readonly string[], label: string) => () =>
    routeRows(routes(), totals).flatMap(({ row, route }) =>
      words.map((word, index) => ({ labels: { route, [label]: word }, value: totals.route(row, first + index) })),
    );
  return [
    {
      kind: 'counter',
      name: 'sallyport_waf_requests_total',
      help: 'Requests that the firewall looked at, by what it made of them',
      labels: ['route', 'outcome'],
      read: perRoute(WAF, WAF_OUTCOMES, 'outcome'),
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_unseen_bodies_total',
      help: 'Bodies of which the firewall saw a part only, or nothing for their content coding or want of time',
      labels: ['route', 'body'],
      read: perRoute(WAF_UNSEEN, WAF_UNSEEN_BODIES, 'body'),
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_offloads_total',
      help: 'Request bodies handed to inspect threads',
      labels: [],
      read: () => [{ labels: {}, value: totals.thread(OFFLOADED) }],
    },
    {
      kind: 'gauge',
      name: 'sallyport_waf_offloads_under_way',
      help: 'Request bodies that inspect threads have, or that wait for one',
      labels: [],
      read: () => [{ labels: {}, value: totals.thread(OFFLOADS_UNDER_WAY) }],
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_offloads_refused_total',
      help: 'Request bodies that no inspect thread had time for: too many waited, or the deadline passed',
      labels: ['why'],
      read: () =>
        OFFLOAD_REFUSALS.map((why, index) => ({ labels: { why }, value: totals.thread(OFFLOADS_REFUSED + index) })),
    },
    {
      kind: 'counter',
      name: 'sallyport_inspect_thread_restarts_total',
      help: 'Inspect threads that ended unexpectedly and were replaced',
      labels: [],
      read: () => [{ labels: {}, value: main.inspectThreadRestarts }],
    },
    {
      kind: 'gauge',
      name: 'sallyport_waf_patches',
      help: 'Files of virtual patches that are live',
      labels: [],
      read: () => [{ labels: {}, value: patches.live }],
    },
    {
      kind: 'gauge',
      name: 'sallyport_waf_patches_refused',
      help: '1 while the folder of patches holds something wrong, so that those of before stay',
      labels: [],
      read: () => [{ labels: {}, value: patches.refusal === null ? 0 : 1 }],
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_patch_refusals_total',
      help: 'Changes of the folder of patches that were refused',
      labels: [],
      read: () => [{ labels: {}, value: patches.refused }],
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_patches_expired_total',
      help: 'Files of patches that were lifted, or not taken, because their time had passed',
      labels: [],
      read: () => [{ labels: {}, value: patches.expired }],
    },
    {
      kind: 'counter',
      name: 'sallyport_waf_rule_matches_total',
      help: 'Requests in which a rule held, by its id and what it did',
      labels: ['rule', 'action'],
      read: () =>
        [...totals.rules()].flatMap(([id, counts]) =>
          RULE_ACTIONS.map((action, index) => ({
            labels: { rule: id === 0 ? OTHER : String(id), action },
            value: counts[index] ?? 0,
          })).filter(({ value }) => value > 0 || id === 0),
        ),
    },
  ];
}
