import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { ERROR_CODES } from '../../src/errors.ts';
import { ROUTES_METERED_MAX, TARGETS_MAX } from '../../src/limits.ts';
import {
  BUCKET_BOUNDS_MS,
  BUCKETS,
  BYTES_IN,
  BYTES_OUT,
  createMetricsTable,
  DURATION_BUCKETS,
  DURATION_SUM,
  EJECTED,
  HANDLER_ERRORS,
  HEADER_WORDS,
  IN_FLIGHT,
  LOG_LINES_LOST,
  OPENED,
  OUTCOMES,
  ROUTE_WORDS,
  RULE_ACTIONS,
  RULES_METERED,
  STATUS_CLASSES,
  shapeOf,
  stripeOf,
  UPSTREAM_BUCKETS,
  UPSTREAM_SUM,
  WEBSOCKETS,
} from '../../src/telemetry/layout.ts';
import { bucketOf, ThreadMetrics } from '../../src/telemetry/metrics.ts';
import { MetricsTotals } from '../../src/telemetry/totals.ts';

test('a duration goes to the first bucket whose bound is not below it', () => {
  const slow = (ms: number) => {
    const index = BUCKET_BOUNDS_MS.findIndex((bound) => ms <= bound);
    return index === -1 ? BUCKET_BOUNDS_MS.length : index;
  };
  for (const bound of BUCKET_BOUNDS_MS) {
    for (const ms of [bound - 1e-9, bound, bound + 1e-9]) assert.equal(bucketOf(ms), slow(ms), `${ms}`);
  }
  fc.assert(fc.property(fc.double({ min: 0, max: 20_000, noNaN: true }), (ms) => assert.equal(bucketOf(ms), slow(ms))));
  assert.deepEqual([-1, 0, Number.NaN, Number.POSITIVE_INFINITY].map(bucketOf), [0, 0, 0, 13]);
});

test('the words of a row do not overlap and stripes begin on a line of their own', () => {
  assert.ok(BYTES_IN >= STATUS_CLASSES.length && UPSTREAM_BUCKETS + BUCKETS <= ROUTE_WORDS);
  assert.equal(DURATION_BUCKETS + BUCKETS, UPSTREAM_SUM);
  for (const [threads, routes] of [
    [1, 0],
    [3, 500],
    [2, 10_000],
  ] as const) {
    const table = createMetricsTable(threads, routes);
    const { stripeWords, routeRows, errorsAt, routesAt } = shapeOf(table);
    assert.equal((stripeWords * 8) % 128, 0);
    assert.equal((HEADER_WORDS * 8) % 128, 0);
    assert.ok(routesAt - errorsAt >= ERROR_CODES.length);
    assert.ok(routeRows >= Math.min(routes, ROUTES_METERED_MAX) + 2);
    assert.equal(stripeOf(table, threads - 1).byteOffset % 128, 0);
    assert.throws(() => stripeOf(table, threads), /RangeError|thread index/);
  }
  assert.throws(() => createMetricsTable(0, 1), RangeError);
  assert.throws(() => createMetricsTable(1, -1), RangeError);
});

test('four workers count at once and nothing is lost; readers meanwhile never see a counter shrink', async () => {
  const rounds = 200_000;
  const threads = 4;
  const table = createMetricsTable(threads, 10);
  const totals = new MetricsTotals(table);
  const workers = Array.from(
    { length: threads },
    (_, index) => new Worker(new URL('./metrics-worker.js', import.meta.url), { workerData: { table, index, rounds } }),
  );
  let running = true;
  const ended = Promise.all(workers.map((worker) => once(worker, 'exit'))).then(() => {
    running = false;
  });
  let before = 0;
  let looks = 0;
  while (running) {
    const seen = totals.error(ERROR_CODES.indexOf('SP_UPSTREAM_TIMEOUT'));
    assert.ok(seen >= before, `${seen} after ${before}`);
    before = seen;
    looks++;
    await new Promise(setImmediate);
  }
  await ended;
  assert.ok(looks > 10);

  const all = rounds * threads;
  const overRows = (word: number) =>
    Array.from({ length: totals.shape.routeRows }, (_, row) => totals.route(row, word)).reduce((a, b) => a + b, 0);
  assert.equal(totals.error(ERROR_CODES.indexOf('SP_UPSTREAM_TIMEOUT')), all);
  assert.deepEqual(
    STATUS_CLASSES.map((_, word) => overRows(word)),
    [0, 0, all / 4, all / 4, all / 4, all / 4],
  );
  assert.equal(totals.route(0, 2), all / 20);
  assert.equal(overRows(BYTES_IN), all * 3);
  assert.equal(overRows(BYTES_OUT), all * 7);
  let durations = 0;
  let upstreams = 0;
  let asked = 0;
  for (let i = 0; i < rounds; i++) {
    durations += i % 20_000;
    if (i % 3 !== 0) {
      upstreams += i % 700;
      asked++;
    }
  }
  assert.equal(overRows(DURATION_SUM), durations * threads);
  assert.equal(overRows(UPSTREAM_SUM), upstreams * threads);
  const counted = (from: number) =>
    Array.from({ length: BUCKETS }, (_, bucket) => overRows(from + bucket)).reduce((a, b) => a + b, 0);
  assert.equal(counted(DURATION_BUCKETS), all);
  assert.equal(counted(UPSTREAM_BUCKETS), asked * threads);
  for (let slot = 0; slot < 8; slot++) {
    assert.equal(totals.target(slot, OUTCOMES + (slot % 2 === 0 ? 2 : 0)), all / 8);
  }
  assert.equal(totals.thread(IN_FLIGHT), 0);
  assert.equal(totals.thread(WEBSOCKETS), 2 * threads);
});

test('a replacement counts on where the dead thread stopped; its gauges begin anew', () => {
  const table = createMetricsTable(2, 1);
  const totals = new MetricsTotals(table);
  const first = new ThreadMetrics(table, 0);
  const other = new ThreadMetrics(table, 1);
  first.inFlight(1);
  other.inFlight(1);
  first.websockets(3);
  first.handlerErrors();
  first.logLinesLost(5);
  first.loopDelay(80, 1_000);
  const second = new ThreadMetrics(table, 0);
  second.handlerErrors();
  assert.equal(totals.thread(HANDLER_ERRORS), 2);
  assert.equal(totals.thread(LOG_LINES_LOST), 5);
  assert.equal(totals.thread(IN_FLIGHT), 1);
  assert.equal(totals.thread(WEBSOCKETS), 0);
  assert.deepEqual(totals.loopDelays(), [0, 0]);
});

test('routes without a row of their own share the last one, no route has the first', () => {
  const table = createMetricsTable(1, 1);
  const totals = new MetricsTotals(table);
  const metrics = new ThreadMetrics(table, 0);
  const last = totals.shape.routeRows - 1;
  const ok = 2;
  metrics.request(-1, 200, 1, -1, 0, 0);
  metrics.request(0, 200, 1, -1, 0, 0);
  metrics.request(last - 2, 200, 1, -1, 0, 0);
  for (const index of [last - 1, last, last + 1, 1e9]) metrics.request(index, 200, 1, -1, 0, 0);
  assert.deepEqual(
    [0, 1, 2, last - 1, last].map((row) => totals.route(row, ok)),
    [1, 1, 0, 1, 4],
  );
  metrics.request(0, 0, Number.NaN, Number.NaN, Number.NaN, -5);
  metrics.request(0, 999, -4, -1, 0, 0);
  assert.equal(totals.route(1, 0), 2);
  assert.equal(totals.route(1, DURATION_SUM), 1);
  assert.equal(totals.route(1, BYTES_OUT), 0);
});

test('a bad slot counts nowhere', () => {
  const table = createMetricsTable(2, 1);
  const metrics = new ThreadMetrics(table, 0);
  const before = new Float64Array(table).slice();
  for (const slot of [-1, TARGETS_MAX, 2 ** 31]) {
    metrics.connectionOpened(slot);
    metrics.ejected(slot);
    metrics.upstreamRequest(slot, 200);
  }
  assert.deepEqual(new Float64Array(table), before);
  metrics.connectionOpened(TARGETS_MAX - 1);
  metrics.ejected(TARGETS_MAX - 1);
  const totals = new MetricsTotals(table);
  assert.equal(totals.target(TARGETS_MAX - 1, OPENED), 1);
  assert.equal(totals.target(TARGETS_MAX - 1, EJECTED), 1);
});

test('the loop-delay gauge holds the peak of this window and the one before', () => {
  const table = createMetricsTable(1, 1);
  const totals = new MetricsTotals(table);
  const metrics = new ThreadMetrics(table, 0);
  metrics.loopDelay(40, 1_000);
  metrics.loopDelay(5, 2_000);
  assert.deepEqual(totals.loopDelays(), [40]);
  metrics.loopDelay(6, 16_000);
  assert.deepEqual(totals.loopDelays(), [40]);
  metrics.loopDelay(2, 31_000);
  assert.deepEqual(totals.loopDelays(), [6]);
  metrics.loopDelay(1, 900_000);
  assert.deepEqual(totals.loopDelays(), [1]);
});

test('rules are counted by id and action, 512 ids over all threads, which stay told apart', () => {
  const table = createMetricsTable(2, 1);
  const [first, second] = [new ThreadMetrics(table, 0), new ThreadMetrics(table, 1)];
  const totals = new MetricsTotals(table);
  first.ruleHeld(942_100, 'scored');
  second.ruleHeld(942_100, 'scored');
  second.ruleHeld(942_100, 'blocked');
  const counts = Object.fromEntries(
    RULE_ACTIONS.map((action, index) => [action, totals.rules().get(942_100)?.[index] ?? 0]),
  );
  assert.deepEqual(counts, { blocked: 1, detected: 0, allowed: 0, scored: 2, matched: 0 });
  for (let id = 1; id <= 1_000; id += 1) {
    first.ruleHeld(id, 'matched');
    second.ruleHeld(10_000 + id, 'detected');
  }
  const held = totals.rules();
  assert.equal(held.size, RULES_METERED + 1);
  const sum = [...held.values()].flat().reduce((all, count) => all + count, 0);
  assert.equal(sum, 2_003);
  assert.deepEqual([...totals.rules().keys()], [...held.keys()]);
  assert.deepEqual(totals.rules().get(942_100), [1, 0, 0, 2, 0]);
});
