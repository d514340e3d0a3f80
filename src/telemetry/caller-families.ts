import { AUTH_REASONS, IDENTITY_KINDS } from '../identity.ts';
import type { Family } from './families.ts';
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
          value: totals.callers(IDENTITY_KINDS.length + index),
        })),
    },
  ];
}
