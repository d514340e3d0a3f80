import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CONCURRENCY_ROWS_MAX, THREADS_MAX } from '../../src/limits.ts';
import { ConcurrencyGate } from '../../src/throttle/concurrency.ts';
import { ConcurrencyKeeper, type ConcurrencySettings } from '../../src/throttle/concurrency-keeper.ts';
import { BUCKETS, bucketOf, bucketStartMs, createConcurrencyWords } from '../../src/throttle/concurrency-layout.ts';
import type { GateJob, GateResult } from './gate-hammer.ts';

const FIXED: ConcurrencySettings = {
  mode: 'fixed',
  max: 3,
  min: 1,
  windowMs: 200,
  minRttEveryMs: 30_000,
  bufferPercent: 25,
};
const ADAPTIVE: ConcurrencySettings = { ...FIXED, mode: 'adaptive', min: 4, max: 50 };

function open(settings: ConcurrencySettings, threads: number, startMs = 0) {
  const keeper = new ConcurrencyKeeper(threads, () => 0);
  const row = keeper.assign([{ name: 'route r', settings }], startMs).get('route r') as number;
  const gates = Array.from(
    { length: threads },
    (_, thread) => new ConcurrencyGate(keeper.words, thread, row, settings.mode === 'adaptive'),
  );
  return { keeper, row, gates: gates as [ConcurrencyGate, ConcurrencyGate] };
}

describe('a fixed bound', () => {
  test('counts over all threads; who was refused has nothing to leave', () => {
    const { keeper, row, gates } = open(FIXED, 2);
    const [one, two] = gates;
    assert.deepEqual(
      [one.enter(), two.enter(), one.enter(), two.enter(), one.enter()],
      [true, true, true, false, false],
    );
    assert.equal(keeper.underWay(row), 3);
    two.leave(0, 5, true);
    assert.deepEqual([one.enter(), two.enter()], [true, false]);
  });

  test('a dead thread is forgotten', () => {
    const { keeper, row, gates } = open(FIXED, 2);
    const [one, two] = gates;
    assert.deepEqual([one.enter(), two.enter(), two.enter(), one.enter()], [true, true, true, false]);
    keeper.clearThread(1);
    assert.equal(keeper.underWay(row), 1);
    assert.deepEqual([one.enter(), one.enter(), one.enter()], [true, true, false]);
  });

  test('a reload changes the bound at once and keeps the count', () => {
    const { keeper, row, gates } = open(FIXED, 2);
    const [one] = gates;
    for (let i = 0; i < 3; i += 1) one.enter();
    const plan = { name: 'route r', settings: { ...FIXED, max: 1 } };
    assert.equal(keeper.assign([plan], 1_000).get('route r'), row);
    one.leave(0, 1, true);
    one.leave(0, 1, true);
    assert.equal(one.enter(), false);
    keeper.assign([{ ...plan, settings: FIXED }], 2_000);
    assert.equal(one.enter(), true);
    assert.equal(keeper.underWay(row), 2);
  });

  test('four threads never pass it, and all leave', async () => {
    let refused = 0;
    for (const limit of [3, 40, 1_000]) {
      const { keeper, row } = open({ ...FIXED, max: limit }, 4);
      const inside = new Int32Array(new SharedArrayBuffer(8));
      const results = await Promise.all(
        Array.from({ length: 4 }, (_, thread) =>
          hammer({ words: keeper.words, inside, thread, threads: 4, row, limit, entries: 100_000 }),
        ),
      );
      for (const { most } of results) assert.ok(most <= limit, `${most} inside, ${limit} allowed`);
      refused += results.reduce((sum, one) => sum + one.refused, 0);
      assert.equal(keeper.underWay(row), 0);
    }
    assert.ok(refused > 100, `${refused} were refused: the bound was reached`);
  });
});

describe('an adaptive bound', () => {
  test('latencies of all threads make the limit; those from before a measurement and those that tell nothing do not', () => {
    const { keeper, row, gates } = open(ADAPTIVE, 2, 2 ** 32 - 500);
    assert.equal(keeper.isAdaptive, true);
    let nowMs = 2 ** 32 - 500;
    const answer = (latencyMs: number, tells = true) => {
      for (const gate of gates) {
        assert.equal(gate.enter(), true);
        gate.leave(nowMs - latencyMs, nowMs, tells);
      }
    };
    assert.equal(keeper.limit(row), 4);
    for (let i = 0; i < 50; i += 1) answer(700);
    nowMs += 200;
    for (let i = 0; i < 50; i += 1) answer(1, false);
    keeper.tick(nowMs);
    assert.equal(keeper.minRttMs(row), 0, 'none of these counts');
    for (let i = 0; i < 13; i += 1) answer(20);
    keeper.tick(nowMs);
    assert.ok(Math.abs(keeper.minRttMs(row) - 20) <= 2, `${keeper.minRttMs(row)} ms`);
    assert.equal(keeper.limit(row), 4);
    const [one] = gates;
    for (let i = 0; i < 4; i += 1) one.enter();
    assert.equal(one.enter(), false);
    for (let i = 0; i < 4; i += 1) one.leave(nowMs - 20, nowMs, true);
    for (let i = 0; i < 3; i += 1) answer(20);
    nowMs += 250;
    assert.ok(nowMs < 2 ** 32);
    keeper.tick(nowMs);
    assert.equal(keeper.limit(row), 7);
    nowMs += 250;
    assert.ok(nowMs > 2 ** 32, 'the words came round');
    for (let i = 0; i < 20; i += 1) answer(180);
    keeper.tick(nowMs);
    assert.equal(keeper.limit(row), 5);
  });

  test('a reload keeps what was learnt, within the new bounds; turned off, nothing ticks', () => {
    const { keeper, row, gates } = open(ADAPTIVE, 2);
    const [one] = gates;
    for (let i = 0; i < 30; i += 1) {
      one.enter();
      one.leave(10, 20, true);
    }
    keeper.tick(50);
    const minRttMs = keeper.minRttMs(row);
    assert.ok(minRttMs > 9 && minRttMs < 11);
    keeper.assign([{ name: 'route r', settings: { ...ADAPTIVE, min: 9 } }], 100);
    assert.deepEqual([keeper.limit(row), keeper.minRttMs(row)], [9, minRttMs]);
    keeper.assign([{ name: 'route r', settings: FIXED }], 200);
    assert.deepEqual([keeper.limit(row), keeper.isAdaptive], [3, false]);
    keeper.assign([{ name: 'route r', settings: ADAPTIVE }], 300);
    assert.equal(keeper.isAdaptive, true);
    keeper.assign([], 400);
    assert.equal(keeper.isAdaptive, false);
  });
});

test('buckets follow each other, and a latency lies in its own', () => {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const [start, end] = [bucketStartMs(bucket), bucketStartMs(bucket + 1)];
    assert.ok(end > start && (bucket < 8 || end / start <= 1.126));
    assert.equal(bucketOf(start), bucket);
    assert.equal(bucketOf(end - 1e-9), bucket);
  }
  assert.deepEqual([Number.NaN, -1, Number.POSITIVE_INFINITY].map(bucketOf), [0, 0, BUCKETS - 1]);
});

test('tables and rows out of range are refused', () => {
  for (const threads of [0, 1.5, THREADS_MAX + 1]) assert.throws(() => createConcurrencyWords(threads), RangeError);
  const keeper = new ConcurrencyKeeper(1);
  const plans = Array.from({ length: CONCURRENCY_ROWS_MAX + 1 }, (_, i) => ({ name: `route ${i}`, settings: FIXED }));
  assert.throws(() => keeper.assign(plans, 0), {
    code: 'SP_CONFIG',
    message: /^concurrency: 1025 routes and upstreams/,
  });
  assert.equal(keeper.assign(plans.slice(1), 0).size, CONCURRENCY_ROWS_MAX);
});

function hammer(job: GateJob): Promise<GateResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./gate-hammer.js', import.meta.url), { workerData: job });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
