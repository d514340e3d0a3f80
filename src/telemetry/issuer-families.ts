import type { Family } from './families.ts';
import type { MetricsSources } from './render.ts';

/** How the keys of an issuer are. */
export interface IssuerGauge {
  /** Name in the configuration. */
  readonly issuer: string;
  /** One of `ISSUER_CONDITIONS`. */
  readonly condition: string;
  /** Keys in use. */
  readonly keys: number;
  /** Since they were had, milliseconds; null for never. */
  readonly ageMs: number | null;
  /** By how they ended. */
  readonly fetches: Readonly<Record<string, number>>;
}

export const ISSUER_CONDITIONS = ['starting', 'ready', 'stale', 'unavailable'] as const;

/** Keys of issuers that are fetched or read from files; without such an issuer no sample at all. */
export function issuerFamilies({ issuers }: MetricsSources): Family[] {
  return [
    {
      kind: 'counter',
      name: 'sallyport_issuer_fetches_total',
      help: 'Fetches of the keys of an issuer by how they ended',
      labels: ['issuer', 'result'],
      read: () =>
        issuers().flatMap(({ issuer, fetches }) =>
          Object.entries(fetches).map(([result, value]) => ({ labels: { issuer, result }, value })),
        ),
    },
    {
      kind: 'gauge',
      name: 'sallyport_issuer_state',
      help: '1 for the state that the keys of an issuer are in, 0 for the others',
      labels: ['issuer', 'state'],
      read: () =>
        issuers().flatMap(({ issuer, condition }) =>
          ISSUER_CONDITIONS.map((state) => ({ labels: { issuer, state }, value: state === condition ? 1 : 0 })),
        ),
    },
    {
      kind: 'gauge',
      name: 'sallyport_issuer_keys',
      help: 'Keys of an issuer in use',
      labels: ['issuer'],
      read: () => issuers().map(({ issuer, keys }) => ({ labels: { issuer }, value: keys })),
    },
    {
      kind: 'gauge',
      name: 'sallyport_issuer_keys_age_seconds',
      help: 'Time since the keys of an issuer were last had',
      labels: ['issuer'],
      read: () =>
        issuers().flatMap(({ issuer, ageMs }) =>
          ageMs === null ? [] : [{ labels: { issuer }, value: ageMs / 1_000 }],
        ),
    },
  ];
}
