import { AUTH_REASONS, IDENTITY_KINDS, INTROSPECTION_RESULTS } from '../identity.ts';
import type { Family } from './families.ts';
import { ACTIVE_KEPT, INTROSPECTED, OTHERS_KEPT, REFUSED_CALLERS } from './layout.ts';
import type { MetricsSources } from './render.ts';
import { MetricsTotals } from './totals.ts';

/** Who called, and who was not let in for what. */
export function callerFamilies({ table }: MetricsSources): Family[] {
  const totals = new MetricsTotals(table);
  return [
    {
      kind: 'counter',
      name: 'sallyport_auth_known_total',
      help: 'Requests whose caller is known, by how',
      labels: ['kind'],
      read: () => IDENTITY_KINDS.map((kind, index) => ({ labels: { kind }, value: totals.callers(index) })),
    },
    {
      kind: 'counter',
      name: 'sallyport_auth_refused_total',
      help: 'Requests refused for their caller, by reason',
      labels: ['reason'],
      read: () =>
        AUTH_REASONS.map((reason, index) => ({
          labels: { reason },
          value: totals.callers(REFUSED_CALLERS + index),
        })),
    },
    {
      kind: 'counter',
      name: 'sallyport_introspection_questions_total',
      help: 'Questions about opaque tokens by how they ended',
      labels: ['result'],
      read: () =>
        INTROSPECTION_RESULTS.map((result, index) => ({
          labels: { result },
          value: totals.callers(INTROSPECTED + index),
        })),
    },
    {
      kind: 'gauge',
      name: 'sallyport_introspection_answers_kept',
      help: 'Answers about opaque tokens that are kept, over all threads',
      labels: ['token'],
      read: () => [
        { labels: { token: 'active' }, value: totals.callers(ACTIVE_KEPT) },
        { labels: { token: 'other' }, value: totals.callers(OTHERS_KEPT) },
      ],
    },
  ];
}
