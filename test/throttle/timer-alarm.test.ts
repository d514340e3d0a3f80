import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { ThrottleKeeper } from '../../src/throttle/throttle-keeper.ts';
import { Throttles, throttlePlan } from '../../src/throttle/throttles.ts';
import { TestWaiter } from './support.ts';

test('with timers and the clock of the machine: all are served, none too early', async () => {
  const keeper = new ThrottleKeeper();
  const throttles = new Throttles(keeper.words, 0, (one, two) => new KeyHash(one, two));
  const config = { requests: 1_000, perMs: 1_000, burst: 5, key: ['address'], perRoute: false };
  const plan = throttlePlan('t', { ...config, queueMax: 1_000, queuePerKeyMax: 1_000, deadlineMs: 60_000 }, 'r');
  const startMs = Number(process.hrtime.bigint()) / 1e6;
  const row = keeper.assign([plan], startMs).get(plan.identity) as number;
  const queue = throttles.queue(plan, row);
  const keepsAlive = setInterval(() => {}, 1_000);
  const times: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 305; i += 1) {
      const waiter = new TestWaiter('w', (what) => {
        assert.equal(what, 'go');
        times.push(Number(process.hrtime.bigint()) / 1e6 - startMs);
        if (times.length === 300) resolve();
      });
      const entry = queue.enter(`k${i % 3}`, waiter, startMs);
      assert.equal(entry, i < 5 ? 'go' : 'wait');
    }
  });
  clearInterval(keepsAlive);
  throttles.close();
  assert.equal(queue.length, 0);
  assert.equal(times.length, 300);
  // The clocks of hrtime and performance.now() agree to some microseconds.
  for (const [index, ms] of times.entries()) assert.ok(ms >= index + 1 - 0.5, `permit ${index} after ${ms} ms`);
});
