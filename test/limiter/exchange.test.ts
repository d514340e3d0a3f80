import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { steadyNow } from '../../src/base/steady-clock.ts';
import type { RedisConfig } from '../../src/config/schema.ts';
import { Decision } from '../../src/limiter/decision.ts';
import { Exchange } from '../../src/limiter/exchange.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { RedisState } from '../../src/limiter/redis-state.ts';
import { SharedClock } from '../../src/limiter/shared-clock.ts';
import { StrictLimiter } from '../../src/limiter/strict.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import type { WindowRule } from '../../src/limiter/window.ts';
import { RedisClient } from '../../src/redis/client.ts';
import { freePort } from '../support/gateway.ts';
import { documentedRights, redisConfig, startCluster, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

/** A day: no window turns while a test runs, but for one run in a thousand days. */
const DAY: WindowRule = { limit: 100, windowMs: 86_400_000 };

const SYNCED = { onSharedClock: true, isExchanged: true };

interface NodeOptions {
  readonly slots?: number;
  /** What the machine's wall clock is off. */
  readonly clockOffMs?: number;
}

/** What one process has of the limiter, and requests at will. */
async function node(t: TestContext, settings: RedisConfig, { slots = 1_024, clockOffMs = 0 }: NodeOptions = {}) {
  const words = createLimiterWords(slots, steadyNow());
  SharedClock.start(words, Date.now() + clockOffMs, steadyNow());
  const clock = new SharedClock(words);
  const table = new LimiterTable(words);
  const client = new RedisClient(settings, []);
  const lines: string[] = [];
  const contexts: string[] = [];
  const write = (context: object, message: string): void => {
    lines.push(message);
    contexts.push(inspect(context, { depth: null, showHidden: true }));
  };
  const state = new RedisState(words, { info: write, warn: write });
  const exchange = new Exchange({ table, clock, client, state, everyMs: 20, prefix: settings.prefix, warn: write });
  const decision = new Decision(table, new KeyHash(1, 2));
  t.after(() => client.stop());
  await client.connect();
  const take = (rule: WindowRule, key = 'somebody', penalise = false): number => {
    decision.begin(1, steadyNow());
    decision.add({ salt: 0, windows: [rule], penalise, ...SYNCED }, key);
    decision.decide(false);
    return decision.waitMs;
  };
  /** As many as are admitted, at most `most`. */
  const admitted = (rule: WindowRule, most: number, key = 'somebody'): number => {
    let count = 0;
    for (let i = 0; i < most; i += 1) if (take(rule, key) === 0) count += 1;
    return count;
  };
  return { table, clock, client, state, exchange, decision, take, admitted, lines, contexts };
}

type Node = Awaited<ReturnType<typeof node>>;

/** Exchanges until Redis is there. @returns  How long that took, milliseconds. */
async function back({ exchange, state }: Node): Promise<number> {
  const startMs = performance.now();
  await until('Redis again', async () => {
    await exchange.exchange();
    return state.isUp;
  });
  return performance.now() - startMs;
}

describe('synced counts', { skip: WITHOUT_REDIS }, () => {
  test('sum up over gateways: together they admit the limit, once all have heard', async (t) => {
    const redis = await TestRedis.start(t);
    const [a, b] = [await node(t, redisConfig(redis.port)), await node(t, redisConfig(redis.port))];
    assert.equal(a.admitted(DAY, 30), 30);
    await a.exchange.exchange();
    assert.equal(b.admitted(DAY, 1), 1, 'b has not heard of a yet');
    await b.exchange.exchange();
    assert.equal(b.admitted(DAY, 1_000), 69);
    await b.exchange.exchange();
    assert.equal(a.admitted(DAY, 1), 1, 'a has not heard of b yet');
    await a.exchange.exchange();
    assert.equal(a.admitted(DAY, 1_000), 0);
    assert.deepEqual(a.lines, ['Redis answers: counts are shared']);
    // Nothing but counts, under hashes.
    const keys = redis.ask('--scan').split('\n');
    assert.equal(keys.length, 2, keys.join(' '));
    for (const key of keys) assert.match(key, /^test:\{limits-0\}:(state|[0-9a-f]{16}:86400000:\d+)$/);
  });

  test('an answer that is lost counts nothing twice', async (t) => {
    const redis = await TestRedis.start(t);
    const settings = redisConfig(redis.port, { timeoutMs: 50, connectMs: 10_000 });
    const [a, b] = [await node(t, settings), await node(t, redisConfig(redis.port))];
    await a.exchange.exchange();
    assert.equal(a.admitted(DAY, 40), 40);
    redis.signal('SIGSTOP');
    for (let i = 0; i < 5; i += 1) await a.exchange.exchange();
    assert.equal(a.state.isUp, false);
    redis.signal('SIGCONT');
    await back(a);
    // The five that were given up have been carried out as well.
    b.take(DAY);
    await b.exchange.exchange();
    assert.equal(b.admitted(DAY, 1_000), 59);
  });

  test('a Redis that comes back empty is told everything again, by each what it counted', async (t) => {
    const redis = await TestRedis.start(t);
    const [a, b] = [await node(t, redisConfig(redis.port)), await node(t, redisConfig(redis.port))];
    a.admitted(DAY, 30);
    b.admitted(DAY, 20);
    for (const one of [a, b, a]) await one.exchange.exchange();
    await redis.kill();
    assert.equal(a.admitted(DAY, 5), 5, 'goes on alone');
    await a.exchange.exchange();
    assert.equal(a.state.isUp, false);
    assert.equal(a.admitted(DAY, 5), 5);
    await redis.start();
    t.diagnostic(`exchanging again ${Math.round(await back(a))} ms after the restart`);
    await back(b);
    // The first exchange tells them of the loss, the next one repairs it: b counted nothing since.
    for (const one of [a, b]) await one.exchange.exchange();
    const c = await node(t, redisConfig(redis.port));
    c.take(DAY);
    await c.exchange.exchange();
    assert.equal(c.admitted(DAY, 1_000), 100 - 30 - 20 - 10 - 1);
    assert.deepEqual(a.lines.slice(1), [
      'Redis does not answer: policies with whenRedisFails: refuse refuse, others count here alone',
      'Redis answers again: counts are shared',
    ]);
    assert.equal(a.state.fallbacks, 1);
  });

  test('a Redis that comes back as it was some time ago is told what it missed, of keys at rest too', async (t) => {
    const redis = await TestRedis.start(t);
    const [a, b] = [await node(t, redisConfig(redis.port)), await node(t, redisConfig(redis.port))];
    a.admitted(DAY, 10);
    for (const one of [a, b]) await one.exchange.exchange();
    redis.ask('SAVE');
    a.admitted(DAY, 20);
    for (const one of [a, a, b]) await one.exchange.exchange();
    await redis.kill();
    await redis.start();
    for (const one of [a, b]) await back(one);
    for (const one of [a, b]) await one.exchange.exchange();
    const c = await node(t, redisConfig(redis.port));
    c.take(DAY);
    await c.exchange.exchange();
    c.take(DAY);
    assert.equal(c.decision.remaining, 100 - 30 - 2);
  });

  test('the rights that the documents name are enough, and those on other keys are not', async (t) => {
    const redis = await TestRedis.start(t);
    redis.ask('ACL', 'SETUSER', 'gateway', 'on', '>right-one', ...documentedRights(false));
    const settings = redisConfig(redis.port, { username: 'gateway', password: 'right-one', prefix: 'sallyport:' });
    const a = await node(t, settings);
    const strict = new StrictLimiter(new RedisClient(settings, []), a.table, settings.prefix, () => {});
    t.after(() => strict.stop());
    await strict.connect();
    for (let i = 0; i < 3; i += 1) {
      a.take(DAY);
      await a.exchange.exchange();
      const outcome = await new Promise((resolve) => {
        a.decision.begin(1, steadyNow());
        a.decision.add({ salt: 1, windows: [DAY], penalise: false }, 'x');
        strict.decide(a.decision, 1, resolve);
      });
      assert.notEqual(outcome, null);
    }
    assert.deepEqual([a.state.isUp, a.state.failures], [true, 0]);
    const other = await node(t, { ...settings, prefix: 'other:' });
    await other.exchange.exchange();
    assert.equal(other.state.isUp, false);
  });

  test('a Redis that cannot write, or refuses the password, counts as gone; the right password does', async (t) => {
    const full = await TestRedis.start(t, '--maxmemory', '1', '--maxmemory-policy', 'noeviction');
    const guarded = await TestRedis.start(t, '--requirepass', 'right-one');
    const other = await TestRedis.start(t);
    const replica = await TestRedis.start(t, '--replicaof', '127.0.0.1', String(other.port));
    const cases = [
      [redisConfig(full.port), /OOM command not allowed/],
      [redisConfig(guarded.port, { password: 'wrong-one' }), /WRONGPASS/],
      [redisConfig(guarded.port), /NOAUTH/],
      [redisConfig(replica.port), /READONLY/],
      [redisConfig(await freePort()), /ECONNREFUSED/],
    ] as const;
    for (const [settings, why] of cases) {
      const one = await node(t, settings);
      await one.exchange.exchange();
      assert.equal(one.state.isUp, false);
      assert.equal(one.state.fallbacks, 1);
      assert.equal(one.admitted(DAY, 1_000), 100);
      for (let i = 0; i < 3; i += 1) await one.exchange.exchange();
      assert.equal(one.lines.length, 1, one.lines.join('\n'));
      assert.match(one.contexts.join(), why);
      assert.doesNotMatch(one.contexts.join(), /wrong-one/, 'a password in the log');
    }
    const right = await node(t, redisConfig(guarded.port, { password: 'right-one' }));
    await right.exchange.exchange();
    assert.equal(right.state.isUp, true);
  });

  test('keys of another kind in the way are an error that is seen', async (t) => {
    const redis = await TestRedis.start(t);
    const a = await node(t, redisConfig(redis.port));
    a.take(DAY);
    await a.exchange.exchange();
    const key = redis.ask('--scan', '--pattern', '*:86400000:*').split('\n')[0] ?? '';
    redis.ask('SET', key, 'of another kind');
    a.take(DAY);
    await a.exchange.exchange();
    assert.equal(a.state.isUp, false);
    redis.ask('DEL', key);
    await back(a);
  });

  test('windows follow the clock of Redis, whatever the wall clocks of machines say', async (t) => {
    const redis = await TestRedis.start(t);
    const a = await node(t, redisConfig(redis.port), { clockOffMs: 7 * DAY.windowMs });
    const b = await node(t, redisConfig(redis.port), { clockOffMs: -3 * DAY.windowMs });
    for (const one of [a, b]) {
      await one.exchange.exchange();
      const offMs = one.clock.at(steadyNow()) - Date.now();
      assert.ok(Math.abs(offMs) < 5_000, `${offMs} ms`);
    }
    a.admitted(DAY, 60);
    await a.exchange.exchange();
    b.take(DAY);
    await b.exchange.exchange();
    assert.equal(b.admitted(DAY, 1_000), 39);
    const far = await node(t, redisConfig(redis.port), { clockOffMs: 40 * DAY.windowMs });
    await far.exchange.exchange();
    assert.equal(far.state.isUp, false, 'farther than the clock can be set');
    assert.equal(far.admitted(DAY, 1_000), 100);
  });

  test('a clock that steps back, or far ahead, leaves nobody unlimited, and is told', async (t) => {
    const redis = await TestRedis.start(t);
    const a = await node(t, redisConfig(redis.port));
    await a.exchange.exchange();
    assert.equal(a.admitted(DAY, 1_000), 100);
    for (const stepMs of [-DAY.windowMs, -5 * DAY.windowMs]) {
      // As if the time that Redis gave had been wrong until now.
      a.clock.set(Date.now() + stepMs, steadyNow());
      assert.equal(a.admitted(DAY, 1_000), 0, `${stepMs} ms: the window begun last goes on`);
      await a.exchange.exchange();
    }
    a.clock.set(Date.now() + 3 * DAY.windowMs, steadyNow());
    assert.equal(a.admitted(DAY, 1_000), 100, 'a new window');
    await a.exchange.exchange();
    assert.equal(a.admitted(DAY, 1_000), 0);
    assert.equal(a.state.clockSteps, 3);
    assert.equal(a.lines.filter((line) => line.startsWith('the clock of Redis was set')).length, 3);
  });

  test('windows shorter than an exchange takes bound each gateway by itself', async (t) => {
    const redis = await TestRedis.start(t);
    const short: WindowRule = { limit: 50, windowMs: 100 };
    const nodes = [await node(t, redisConfig(redis.port)), await node(t, redisConfig(redis.port))];
    for (let round = 0; round < 8; round += 1) {
      for (const one of nodes) {
        const startMs = one.clock.at(steadyNow());
        const admitted = one.admitted(short, 1_000);
        const windows = Math.floor(one.clock.at(steadyNow()) / 100) - Math.floor(startMs / 100) + 1;
        assert.ok(admitted <= 50 * windows, `${admitted} in ${windows} windows`);
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
      for (const one of nodes) await one.exchange.exchange();
    }
    assert.ok(nodes.every(({ state }) => state.isUp && state.failures === 0));
  });

  test('many keys take several exchanges, and each arrives', async (t) => {
    const redis = await TestRedis.start(t);
    const settings = redisConfig(redis.port, { timeoutMs: 5_000 });
    const [a, b] = [await node(t, settings, { slots: 16_384 }), await node(t, settings, { slots: 16_384 })];
    const keys = Array.from({ length: 3_500 }, (_, index) => `key ${index}`);
    for (const key of keys) a.admitted(DAY, 3, key);
    for (let i = 0; i < 4; i += 1) await a.exchange.exchange();
    for (const key of keys) b.take(DAY, key);
    for (let i = 0; i < 4; i += 1) await b.exchange.exchange();
    for (const key of keys) {
      b.take(DAY, key);
      assert.equal(b.decision.remaining, 95, key);
    }
  });

  test('a request refused by one of two windows counts in neither, here and elsewhere', async (t) => {
    const redis = await TestRedis.start(t);
    const [a, b] = [await node(t, redisConfig(redis.port)), await node(t, redisConfig(redis.port))];
    const rule = {
      salt: 0,
      windows: [DAY, { limit: 5, windowMs: 3_600_000 * 24 * 7 }],
      penalise: false,
      ...SYNCED,
    };
    const ask = ({ decision }: Node): number => {
      decision.begin(1, steadyNow());
      decision.add(rule, 'somebody');
      decision.decide(false);
      return decision.waitMs;
    };
    for (let i = 0; i < 20; i += 1) ask(a);
    await a.exchange.exchange();
    ask(b);
    await b.exchange.exchange();
    assert.notEqual(ask(b), 0);
    // Five of a and one of b in the longer day as well: what was refused counts nowhere.
    b.take(DAY);
    assert.equal(b.decision.remaining, 93);
  });

  test('a cluster of three masters: shards on all of them, one of them lost and back', async (t) => {
    const masters = await startCluster(t);
    const settings = redisConfig(
      masters.map(({ port }) => port),
      { mode: 'cluster' },
    );
    const [a, b] = [await node(t, settings), await node(t, settings)];
    const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
    for (const key of keys) a.admitted(DAY, 10, key);
    await a.exchange.exchange();
    assert.deepEqual([a.state.isUp, a.state.failures], [true, 0]);
    for (const key of keys) b.take(DAY, key);
    await b.exchange.exchange();
    for (const key of keys) {
      b.take(DAY, key);
      assert.equal(b.decision.remaining, 88, key);
    }
    const sizes = masters.map((master) => Number(master.ask('DBSIZE')));
    assert.ok(
      sizes.every((size) => size > 20),
      `keys by master: ${sizes}`,
    );
    t.diagnostic(`keys by master: ${sizes.join(' ')}`);
    // A shard in which nobody counts just now: the others doing well must not pass for its return.
    a.lines.length = 0;
    const key = `${settings.prefix}{limits-5}:state`;
    masters[0]?.ask('-c', 'DEL', key);
    masters[0]?.ask('-c', 'LPUSH', key, 'x');
    for (let i = 0; i < 140; i += 1) await a.exchange.exchange();
    assert.equal(a.state.isUp, false);
    masters[0]?.ask('-c', 'DEL', key);
    await a.exchange.exchange();
    assert.equal(a.state.isUp, true);
    assert.equal(a.lines.length, 2, a.lines.join());
    const hung = masters[1] as TestRedis;
    hung.signal('SIGSTOP');
    await until('the loss of a master to be seen', async () => {
      for (const key of keys) a.take(DAY, key);
      await a.exchange.exchange();
      return !a.state.isUp;
    });
    hung.signal('SIGCONT');
    t.diagnostic(`exchanging again ${Math.round(await back(a))} ms after the master went on`);
  });
});
