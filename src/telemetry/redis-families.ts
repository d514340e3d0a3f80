import type { Family } from './families.ts';
import type { MetricsSources, RedisGauges } from './render.ts';

/** What goes through Redis; without one no sample at all. */
export function redisFamilies({ redis }: MetricsSources): Family[] {
  const one = (value: (state: RedisGauges) => number) => () =>
    redis === null ? [] : [{ labels: {}, value: value(redis) }];
  return [
    {
      kind: 'gauge',
      name: 'sallyport_redis_up',
      help: '1 while Redis answers and counts are shared, 0 while each gateway counts alone',
      labels: [],
      read: one(({ isUp }) => (isUp ? 1 : 0)),
    },
    {
      kind: 'counter',
      name: 'sallyport_redis_fallbacks_total',
      help: 'Times that Redis was lost',
      labels: [],
      read: one(({ fallbacks }) => fallbacks),
    },
    {
      kind: 'counter',
      name: 'sallyport_redis_exchanges_total',
      help: 'Exchanges of counts by how they ended',
      labels: ['result'],
      read: () =>
        redis === null
          ? []
          : [
              { labels: { result: 'done' }, value: redis.exchanges },
              { labels: { result: 'failed' }, value: redis.failures },
            ],
    },
    {
      kind: 'counter',
      name: 'sallyport_redis_counts_total',
      help: 'Counts of a window sent to Redis',
      labels: [],
      read: one(({ counts }) => counts),
    },
    {
      kind: 'gauge',
      name: 'sallyport_redis_round_trip_seconds',
      help: 'Time of the last exchange that Redis answered',
      labels: [],
      read: one(({ roundTripMs }) => roundTripMs / 1_000),
    },
    {
      kind: 'gauge',
      name: 'sallyport_redis_lag_seconds',
      help: 'Longest time in the last 15 to 30 seconds from a count to the answer of its exchange',
      labels: [],
      read: one(({ lagMs }) => lagMs / 1_000),
    },
    {
      kind: 'counter',
      name: 'sallyport_redis_clock_steps_total',
      help: 'Times that the clock of Redis jumped by more than a second',
      labels: [],
      read: one(({ clockSteps }) => clockSteps),
    },
  ];
}
