import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GradientLimit } from '../../src/throttle/gradient.ts';
import { type ModelSample, runModel, SCENE, SERVERS, SLOW_FROM_MS, SLOW_TO_MS } from './queueing-model.ts';

const MEAN_SLOW_MS = 100;
const SLOW_CAPACITY = (SERVERS * 1_000) / MEAN_SLOW_MS;

function stretch(samples: readonly ModelSample[], fromMs: number, toMs: number) {
  const within = samples.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  const sum = (of: (sample: ModelSample) => number) => within.reduce((total, sample) => total + of(sample), 0);
  const most = (of: (sample: ModelSample) => number) => within.reduce((max, sample) => Math.max(max, of(sample)), 0);
  const seconds = (toMs - fromMs) / 1_000;
  return {
    servedPerSecond: sum(({ served }) => served) / seconds,
    refusedPerSecond: sum(({ refused }) => refused) / seconds,
    underWayMax: most(({ underWayMax }) => underWayMax),
    medianMs: most(({ medianMs }) => medianMs),
    longestMs: most(({ longestMs }) => longestMs),
  };
}

describe('an upstream that turns ten times slower, then recovers', () => {
  test('is protected, used to its full, and has its throughput back within two seconds', (t) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const samples = runModel({ ...SCENE, seed });
      const before = stretch(samples, 5_000, SLOW_FROM_MS);
      assert.ok(before.servedPerSecond >= 0.98 * SCENE.arrivalsPerSecond, `${seed}: ${JSON.stringify(before)}`);
      assert.ok(before.longestMs <= 40, `${seed}: ${JSON.stringify(before)}`);
      const onset = stretch(samples, SLOW_FROM_MS, SLOW_FROM_MS + 3_000);
      assert.ok(onset.underWayMax <= 8 * SERVERS, `${seed}: ${JSON.stringify(onset)}`);
      const slow = stretch(samples, SLOW_FROM_MS + 8_000, SLOW_TO_MS);
      assert.ok(slow.underWayMax <= 2 * SERVERS, `${seed}: ${JSON.stringify(slow)}`);
      assert.ok(slow.servedPerSecond >= 0.9 * SLOW_CAPACITY, `${seed}: ${JSON.stringify(slow)}`);
      assert.ok(slow.medianMs <= 1.8 * MEAN_SLOW_MS, `${seed}: ${JSON.stringify(slow)}`);
      const after = stretch(samples, SLOW_TO_MS + 2_000, SCENE.forMs);
      assert.ok(after.servedPerSecond >= 0.97 * SCENE.arrivalsPerSecond, `${seed}: ${JSON.stringify(after)}`);
      t.diagnostic(`seed ${seed}: ${JSON.stringify({ before, onset, slow, after })}`);
    }
  });

  test('without a bound the same scene is lost: what is under way grows without end', () => {
    const samples = runModel({ ...SCENE, settings: { ...SCENE.settings, mode: 'off' } });
    const slow = stretch(samples, SLOW_FROM_MS, SLOW_TO_MS);
    assert.ok(slow.underWayMax > 30_000, JSON.stringify(slow));
    assert.ok(stretch(samples, SLOW_TO_MS, SLOW_TO_MS + 20_000).medianMs > 10_000);
  });

  test('a fixed bound that fits the good days queues on the bad ones', () => {
    const samples = runModel({ ...SCENE, settings: { ...SCENE.settings, mode: 'fixed', max: 200 } });
    const slow = stretch(samples, SLOW_FROM_MS + 8_000, SLOW_TO_MS);
    assert.equal(slow.underWayMax, 200);
    assert.ok(slow.medianMs > 900, JSON.stringify(slow));
  });

  test('more load than the upstream can take, all the time: nearly all of its capacity, little queueing', () => {
    for (const [servers, serviceMs, arrivalsPerSecond] of [
      [20, 10, 6_000],
      [2, 5, 2_000],
      [100, 200, 3_000],
    ] as const) {
      const samples = runModel({ ...SCENE, servers, serviceMs: () => serviceMs, arrivalsPerSecond, forMs: 60_000 });
      const steady = stretch(samples, 15_000, 60_000);
      const capacity = (servers * 1_000) / serviceMs;
      assert.ok(steady.servedPerSecond >= 0.85 * capacity, `${servers} servers: ${JSON.stringify(steady)}`);
      assert.ok(steady.longestMs <= 6 * serviceMs, `${servers} servers: ${JSON.stringify(steady)}`);
    }
  });
});

describe('the gradient', () => {
  const SETTINGS = { min: 4, max: 50, windowMs: 200, minRttEveryMs: 30_000, bufferPercent: 25 };
  const latencies = (medianMs: number, count = 100) => ({ count, medianMs: () => medianMs, reset: () => {} });
  const BUSY = { underWay: 1_000, refused: 0 };

  function measured(rttMs: number): GradientLimit {
    const gradient = new GradientLimit(SETTINGS, 0, () => 0);
    gradient.tick(50, latencies(rttMs), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.minRttMs], [false, rttMs]);
    return gradient;
  }

  test('holds the limit at min until enough was measured', () => {
    const gradient = new GradientLimit(SETTINGS, 0, () => 0);
    for (const [atMs, count] of [
      [50, 24],
      [1_950, 24],
      [2_000, 2],
    ] as const) {
      gradient.tick(atMs, latencies(10, count), BUSY);
      assert.deepEqual([gradient.isMeasuring, gradient.limit], [true, 4], `${count} at ${atMs}`);
    }
    gradient.tick(2_050, latencies(10, 3), BUSY);
    assert.equal(gradient.isMeasuring, false, 'three are enough of a slow upstream');
  });

  test('grows by the formula up to max, shrinks by half at most down to min', () => {
    const gradient = measured(10);
    const limits: number[] = [];
    for (let nowMs = 250; nowMs <= 1_250; nowMs += 200) {
      gradient.tick(nowMs, latencies(10), BUSY);
      limits.push(gradient.limit);
    }
    // 4 x 1.25 = 5, + sqrt(5) = 7.2, and so on.
    assert.deepEqual(limits, [7, 11, 17, 25, 36, 50]);
    for (let nowMs = 1_450; nowMs <= 2_250; nowMs += 200) {
      gradient.tick(nowMs, latencies(1_000), BUSY);
      limits.push(gradient.limit);
    }
    assert.deepEqual(limits.slice(6), [30, 18, 12, 8, 6]);
  });

  test('does not grow while it is not used, but shrinks', () => {
    const gradient = measured(10);
    for (let nowMs = 250; nowMs <= 1_250; nowMs += 200)
      gradient.tick(nowMs, latencies(10), { underWay: 1, refused: 0 });
    assert.equal(gradient.limit, 4);
    gradient.tick(1_450, latencies(10), { underWay: 1, refused: 1 });
    assert.equal(gradient.limit, 7, 'a request was refused');
    gradient.tick(1_650, latencies(100), { underWay: 0, refused: 0 });
    assert.equal(gradient.limit, 5);
  });

  test('measures anew after minRttEveryMs and after five windows at min, and then goes on where it was', () => {
    const gradient = measured(10);
    for (let nowMs = 250; nowMs <= 30_000; nowMs += 200) gradient.tick(nowMs, latencies(10), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.limit], [false, 50]);
    gradient.tick(30_250, latencies(10), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.limit, gradient.measuringSinceMs], [true, 4, 30_250]);
    gradient.tick(30_300, latencies(20), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.limit, gradient.minRttMs], [false, 50, 20]);
    let nowMs = 30_500;
    while (!gradient.isMeasuring) {
      nowMs += 200;
      gradient.tick(nowMs, latencies(500), BUSY);
    }
    // 50 -> 30 -> 18 -> 12 -> 8 -> 6 -> 4, and five more.
    assert.equal(nowMs, 30_500 + 11 * 200);
    gradient.tick(nowMs + 50, latencies(500), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.limit, gradient.minRttMs], [false, 4, 500]);
  });

  test('follows an upstream that turned faster at once', () => {
    const gradient = measured(100);
    gradient.tick(250, latencies(10), BUSY);
    assert.equal(gradient.minRttMs, 10);
  });

  test('gives a measurement up when requests hang, where there was more room before', () => {
    const hang = (gradient: GradientLimit, fromMs: number, toMs: number) => {
      for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50)
        gradient.tick(nowMs, latencies(0, 2), { underWay: 4, refused: 9 });
    };
    const gradient = measured(10);
    for (let nowMs = 250; nowMs <= 30_050; nowMs += 200) gradient.tick(nowMs, latencies(10), BUSY);
    assert.deepEqual([gradient.isMeasuring, gradient.limit], [true, 4]);
    const sinceMs = gradient.measuringSinceMs;
    hang(gradient, sinceMs + 50, sinceMs + 4_950);
    assert.deepEqual([gradient.isMeasuring, gradient.limit], [true, 4]);
    hang(gradient, sinceMs + 5_000, sinceMs + 5_000);
    assert.deepEqual([gradient.isMeasuring, gradient.limit, gradient.minRttMs], [false, 50, 10]);
  });

  test('gives a measurement up when nobody comes, but not the first, and at min not while requests hang', () => {
    const first = new GradientLimit(SETTINGS, 0, () => 0);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 50) first.tick(nowMs, latencies(0, 0), { underWay: 0, refused: 0 });
    assert.equal(first.isMeasuring, true);
    const gradient = measured(10);
    gradient.tick(30_250, latencies(10), { underWay: 0, refused: 0 });
    assert.deepEqual([gradient.isMeasuring, gradient.limit], [true, 4]);
    for (let nowMs = 30_300; nowMs < 40_000; nowMs += 50)
      gradient.tick(nowMs, latencies(0, 0), { underWay: 4, refused: 9 });
    assert.equal(gradient.isMeasuring, true);
    gradient.tick(40_000, latencies(0, 0), { underWay: 0, refused: 0 });
    gradient.tick(40_999, latencies(0, 0), { underWay: 0, refused: 0 });
    assert.equal(gradient.isMeasuring, true);
    gradient.tick(41_000, latencies(0, 0), { underWay: 0, refused: 0 });
    assert.deepEqual([gradient.isMeasuring, gradient.minRttMs], [false, 10]);
  });

  test('a window with few latencies waits for more', () => {
    const gradient = measured(10);
    gradient.tick(250, latencies(10, 9), BUSY);
    assert.equal(gradient.limit, 4);
    gradient.tick(400, latencies(10, 20), BUSY);
    assert.equal(gradient.limit, 4, 'the next window is not over');
    gradient.tick(450, latencies(10, 20), BUSY);
    assert.equal(gradient.limit, 7);
    for (let nowMs = 650; nowMs <= 450 + 25 * 200; nowMs += 200) gradient.tick(nowMs, latencies(10, 1), BUSY);
    assert.equal(gradient.limit, 11, 'five seconds are long enough');
  });
});
