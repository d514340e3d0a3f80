import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fitLaw, speedupOf } from '../../bench/scale/fit.ts';
import { measureLimiter } from '../../bench/scale/limiter.ts';

describe('the law of scalability', () => {
  const law = { contention: 0.03, coherence: 0.0004, told: 2 };
  const points = [1, 2, 4, 8, 16].map((threads) => ({ threads, speedup: speedupOf(law, threads) }));

  test('is found again from what it gives', () => {
    const fit = fitLaw(points);
    assert.ok(Math.abs(fit.contention - 0.03) < 1e-9, String(fit.contention));
    assert.ok(Math.abs(fit.coherence - 0.0004) < 1e-9, String(fit.coherence));
    assert.equal(fit.told, 2);
  });

  test('with two threads at most tells one parameter', () => {
    const fit = fitLaw(points.slice(0, 2));
    assert.equal(fit.coherence, 0);
    assert.equal(fit.told, 1);
    assert.ok(Math.abs(speedupOf(fit, 2) - speedupOf(law, 2)) < 1e-9);
  });

  test('promises no more than n of n', () => {
    const better = [1, 2, 4].map((threads) => ({ threads, speedup: threads * 1.1 }));
    assert.equal(speedupOf(fitLaw(better), 64), 64);
  });

  test('cannot be had from one thread', () => assert.throws(() => fitLaw(points.slice(0, 1)), RangeError));
});

test('threads decide over one table, and each decision counts', async () => {
  const points = await measureLimiter([1, 2], 1);
  assert.deepEqual(points.map(({ threads, keys }) => `${keys} ${threads}`).sort(), [
    'hot 1',
    'hot 2',
    'spread 1',
    'spread 2',
  ]);
  for (const { decisionsPerSecond, cpuNsPerDecision } of points)
    assert.ok(decisionsPerSecond > 0 && cpuNsPerDecision > 0);
});
