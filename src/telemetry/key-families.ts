import type { Family } from './families.ts';
import type { MetricsSources } from './render.ts';

/** API keys and their store; where there are none no sample at all. */
export function keyFamilies({ keys }: MetricsSources): Family[] {
  return [
    {
      kind: 'gauge',
      name: 'sallyport_api_keys',
      help: 'API keys by how they stand',
      labels: ['state'],
      read: () =>
        keys === null ? [] : Object.entries(keys.counts()).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      kind: 'gauge',
      name: 'sallyport_api_keys_store_up',
      help: '1 while API keys can be changed and changes are heard, 0 while those known go on alone',
      labels: [],
      read: () => (keys === null ? [] : [{ labels: {}, value: keys.isUp ? 1 : 0 }]),
    },
    {
      kind: 'counter',
      name: 'sallyport_api_key_changes_total',
      help: 'Changes of API keys by where they came from',
      labels: ['source'],
      read: () =>
        keys === null
          ? []
          : [
              { labels: { source: 'operator' }, value: keys.made },
              { labels: { source: 'gateway' }, value: keys.heard },
            ],
    },
  ];
}
