import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisClient } from '../../src/redis/client.ts';
import { RedisReplays } from '../../src/replay/redis-replays.ts';
import { redisConfig, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

test('of two machines one is told new; without Redis both go on, and each says so once', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const redis = await TestRedis.start(t);
  const lines: string[] = [];
  const log = {
    info: (_: object, words: string) => lines.push(words),
    warn: (_: object, words: string) => lines.push(words),
  };
  const machines = await Promise.all(
    [0, 1].map(async () => {
      const client = new RedisClient(redisConfig(redis.port, { prefix: 'test:' }), []);
      t.after(() => client.stop());
      await client.connect();
      return new RedisReplays({ run: (...call) => client.runScript(...call), prefix: 'test:', log: () => log });
    }),
  );
  const claim = (name: string) =>
    Promise.all(machines.map((one) => new Promise<string>((done) => one.claim(name, 60_000, done))));
  for (let i = 0; i < 50; i += 1) assert.deepEqual((await claim(`p${i}`)).sort(), ['new', 'seen']);
  assert.deepEqual(lines, []);
  redis.end();
  await until('the loss of Redis', async () => (await claim('x')).every((answer) => answer === 'away'));
  await claim('y');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /on this machine alone/);
});
