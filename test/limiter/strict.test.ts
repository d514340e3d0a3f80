import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { steadyNow } from '../../src/base/steady-clock.ts';
import type { RedisConfig } from '../../src/config/schema.ts';
import { Decision, type LimitRule } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords, REDIS_UP } from '../../src/limiter/layout.ts';
import { SharedClock } from '../../src/limiter/shared-clock.ts';
import { StrictLimiter, type StrictOutcome } from '../../src/limiter/strict.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow, type WindowRule } from '../../src/limiter/window.ts';
import { RedisClient } from '../../src/redis/client.ts';
import { redisConfig, startCluster, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

/** A day: no window turns while a test runs, but for one run in a thousand days. */
const DAY: WindowRule = { limit: 100, windowMs: 86_400_000 };

/** What one thread of one process has of the limiter. */
async function node(t: TestContext, settings: RedisConfig) {
  const words = createLimiterWords(1_024, 0);
  SharedClock.start(words, Date.now(), steadyNow());
  // The exchange of the main thread has reached Redis.
  Atomics.store(words, REDIS_UP, 1);
  const table = new LimiterTable(words);
  const told: string[] = [];
  const strict = new StrictLimiter(new RedisClient(settings, []), table, settings.prefix, (context, message) =>
    told.push(`${message} ${String((context as { err: Error }).err)}`),
  );
  const decision = new Decision(table, new KeyHash(1, 2));
  t.after(() => strict.stop());
  await strict.connect();
  const begin = (windows: readonly WindowRule[], penalise: boolean, cost: number, key: string): void => {
    const rule: LimitRule = { salt: 0, windows, penalise, onSharedClock: true };
    decision.begin(cost, steadyNow());
    decision.add(rule, key);
  };
  const decide = (
    windows: readonly WindowRule[],
    { penalise = false, cost = 1, key = 'somebody', clockMs = 0 } = {},
  ): Promise<StrictOutcome | null> =>
    new Promise((resolve) => {
      begin(windows, penalise, cost, key);
      strict.decide(decision, cost, resolve, clockMs);
    });
  /** As the thread decides by itself. @returns  The wait. */
  const alone = (windows: readonly WindowRule[], key = 'somebody'): number => {
    begin(windows, false, 1, key);
    decision.decide(false);
    return decision.waitMs;
  };
  return { words, strict, decision, decide, alone, told };
}

describe('strict', { skip: WITHOUT_REDIS }, () => {
  test('answers as the window in shared memory does, on one schedule', async (t) => {
    const redis = await TestRedis.start(t);
    let compared = 0;
    const schedules = [
      { rule: { limit: 5, windowMs: 1_000 }, costMax: 3, stepMs: 97, startMs: 5_000_000_000 },
      // Products longer than 53 bits.
      { rule: { limit: 16_000_000, windowMs: 2_678_400_000 }, costMax: 999_999, stepMs: 90_000_007, startMs: 1.7e12 },
    ];
    for (const { rule, costMax, stepMs, startMs } of schedules) {
      for (const penalise of [false, true]) {
        const { decide } = await node(t, redisConfig(redis.port, { prefix: `${penalise}:`, timeoutMs: 5_000 }));
        const local = new SlidingWindow(new LimiterTable(createLimiterWords(1_024, startMs)));
        let refused = 0;
        for (let i = 0; i < 400; i += 1) {
          const clockMs = Math.floor(startMs + i * stepMs + ((i * i) % 31));
          const cost = 1 + ((i * 7_919) % costMax);
          const there = await decide([rule], { penalise, cost, clockMs, key: `schedule ${rule.limit}` });
          local.at(clockMs, clockMs);
          const waitMs = local.take(7, 11, rule, cost, penalise);
          assert.deepEqual(
            [there?.waitsMs[0], there?.remaining[0], there?.leftsMs[0]],
            [waitMs, local.remaining, local.leftMs],
            `limit ${rule.limit}, penalise ${penalise}, step ${i}`,
          );
          compared += 1;
          if (waitMs > 0) refused += 1;
        }
        assert.ok(refused > 20 && refused < 399, `${refused} refused`);
      }
    }
    assert.equal(compared, 1_600);
  });

  test('admits the limit exactly over three gateways, in 20 rounds', async (t) => {
    const redis = await TestRedis.start(t);
    const settings = redisConfig(redis.port, { timeoutMs: 10_000 });
    const nodes = [await node(t, settings), await node(t, settings), await node(t, settings)];
    for (let round = 0; round < 20; round += 1) {
      const options = { key: `round ${round}` };
      const outcomes = await Promise.all(
        nodes.flatMap(({ decide }) => Array.from({ length: 80 }, () => decide([DAY], options))),
      );
      assert.equal(outcomes.filter((outcome) => outcome === null).length, 0);
      assert.equal(outcomes.filter((outcome) => outcome?.waitsMs[0] === 0).length, 100);
    }
  });

  test('counts in all windows or in none', async (t) => {
    const redis = await TestRedis.start(t);
    const { decide } = await node(t, redisConfig(redis.port, { timeoutMs: 5_000 }));
    const windows = [DAY, { limit: 5, windowMs: 7 * DAY.windowMs }];
    const waits: boolean[] = [];
    for (let i = 0; i < 8; i += 1) waits.push(((await decide(windows))?.waitsMs[1] as number) > 0);
    assert.deepEqual(waits, [false, false, false, false, false, true, true, true]);
    assert.equal((await decide([DAY]))?.remaining[0], 94);
  });

  test('gives decisions back in time when Redis hangs, goes on with what it knows, and tells it afterwards', async (t) => {
    const redis = await TestRedis.start(t);
    const { strict, decide, alone, decision } = await node(t, redisConfig(redis.port, { timeoutMs: 100 }));
    await until('an answer', async () => strict.available && (await decide([DAY], { key: 'first' })) !== null);
    let counted = 0;
    await until('60 decisions', async () => {
      const outcome = strict.available ? await decide([DAY]) : null;
      if (outcome !== null) counted = 100 - (outcome.remaining[0] as number);
      return counted === 60;
    });
    redis.signal('SIGSTOP');
    const startMs = performance.now();
    const outcomes = await Promise.all([decide([DAY]), decide([DAY]), decide([DAY])]);
    const tookMs = performance.now() - startMs;
    t.diagnostic(`given back after ${Math.round(tookMs)} ms`);
    assert.deepEqual(outcomes, [null, null, null]);
    assert.equal(strict.available, false);
    assert.equal(alone([DAY]), 0);
    assert.equal(decision.remaining, 39, 'what Redis had counted is known here');
    for (let i = 0; i < 9; i += 1) assert.equal(alone([DAY]), 0);
    await redis.kill();
    await redis.start();
    await until('Redis again', async () => strict.available && (await decide([DAY], { key: 'again' })) !== null);
    // Redis came back empty.
    const outcome = await decide([DAY]);
    assert.equal(outcome?.remaining[0], 29);
  });

  test('a table of this process that is full, and keys of another kind in Redis, make nobody unlimited', async (t) => {
    const redis = await TestRedis.start(t);
    const { decide, strict, told } = await node(t, redisConfig(redis.port, { timeoutMs: 5_000 }));
    for (let i = 0; i < 3_000; i += 1) assert.ok((await decide([DAY], { key: `key ${i}` })) !== null);
    for (let i = 0; i < 100; i += 1) await decide([DAY], { key: 'last' });
    assert.ok(((await decide([DAY], { key: 'last' }))?.waitsMs[0] as number) > 0);
    redis.ask('FLUSHALL');
    await decide([DAY], { key: 'odd' });
    const key = redis.ask('--scan').split('\n')[0] ?? '';
    redis.ask('DEL', key);
    redis.ask('LPUSH', key, 'x');
    assert.equal(await decide([DAY], { key: 'odd' }), null);
    assert.equal(strict.available, false);
    await until('the rest to be over', () => strict.available);
    assert.equal(await decide([DAY], { key: 'odd' }), null);
    // The exchange of the main thread has no such fault: nobody else would tell. Once, not with every request.
    assert.equal(told.length, 1, told.join());
    assert.match(told[0] ?? '', /^Redis does not decide: .* WRONGTYPE/);
  });

  test('a clock of Redis that goes back counts on in the window begun last, or begins anew', async (t) => {
    const redis = await TestRedis.start(t);
    const { decide } = await node(t, redisConfig(redis.port, { timeoutMs: 5_000 }));
    const rule = { limit: 3, windowMs: 1_000 };
    const at = async (clockMs: number): Promise<boolean> => (await decide([rule], { clockMs }))?.waitsMs[0] === 0;
    // Behind what this process knows by its own clock.
    const startMs = Date.now() + 60_000;
    assert.deepEqual([await at(startMs), await at(startMs), await at(startMs)], [true, true, true]);
    assert.deepEqual([await at(startMs - 1_500), await at(startMs - 2_000)], [false, false]);
    assert.equal(await at(startMs - 30_000), true);
  });

  test('a cluster decides all of it on one master', async (t) => {
    const masters = await startCluster(t);
    const ports = masters.map(({ port }) => port);
    const { decide } = await node(t, redisConfig(ports, { mode: 'cluster', timeoutMs: 5_000 }));
    const outcomes = await Promise.all(Array.from({ length: 120 }, () => decide([DAY])));
    assert.equal(outcomes.filter((outcome) => outcome?.waitsMs[0] === 0).length, 100);
    assert.deepEqual(masters.map((master) => Number(master.ask('DBSIZE'))).sort(), [0, 0, 1]);
  });
});
