import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type BanRecord, banId, isLifted, mergeRecords } from '../../src/abuse/record.ts';
import { redisBans } from '../../src/abuse/redis-bans.ts';
import type { RecordChannel } from '../../src/records/record-channel.ts';
import { RedisClient } from '../../src/redis/client.ts';
import { redisConfig, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { machine } from './keeper-support.ts';

const order = { rule: 'manual', value: '192.0.2.1', seconds: 600, reason: 'scanner' };

/** A Redis, and what a machine has of it. */
async function shared(t: TestContext): Promise<{ redis: TestRedis; channel: () => RecordChannel }> {
  const redis = await TestRedis.start(t);
  const client = new RedisClient(redisConfig(redis.port, { prefix: 'test:' }), []);
  t.after(() => client.stop());
  await client.connect();
  return { redis, channel: () => redisBans((...call) => client.runScript(...call), 'test:') };
}

test('bans and lifts reach the other machine, and one that comes later', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const { channel } = await shared(t);
  const [one, two] = [machine({ name: 'n1', channel: channel() }), machine({ name: 'n2', channel: channel() })];
  await one.keeper.start();
  await two.keeper.start();
  one.fail('192.0.2.9');
  const added = one.keeper.add(order, '');
  assert.ok(added.ok);
  await until('the ban on the other machine', () => two.leftMs('192.0.2.1') > 0 && two.leftMs('192.0.2.9') > 0);
  assert.deepEqual(two.bans('192.0.2.1')[0], one.bans('192.0.2.1')[0]);
  assert.equal(two.bans('192.0.2.9')[0]?.node, 'n1');

  const three = machine({ name: 'n3', channel: channel() });
  await three.keeper.start();
  await until('the ban on the late machine', () => three.leftMs('192.0.2.1') > 590_000);
  assert.ok(three.keeper.lift(added.ban.id, '').ok);
  assert.equal(three.leftMs('192.0.2.1'), 0);
  await until('the lift everywhere', () => one.leftMs('192.0.2.1') + two.leftMs('192.0.2.1') === 0);
  for (const each of [one, two, three]) await each.keeper.stop();
  for (const each of [one, two, three]) {
    assert.deepEqual(
      each.lines.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    );
  }
});

test('numbers that do not grow are an error, not a question without end', async () => {
  const rows = (number: string): string[] => Array.from({ length: 256 }, () => [number, 'text']).flat();
  const ask = (last: string, number: string, cursor: string | null) =>
    redisBans(async () => ['run', last, ...rows(number)], 'test:').ask(cursor);
  assert.equal((await ask('300', '256', null)).cursor, 'run 256');
  for (const [last, number, cursor] of [
    ['300', '256', 'run 256'],
    ['300', '0', null],
    ['300', 'x', null],
  ] as const) {
    await assert.rejects(ask(last, number, cursor), /numbers of records that do not grow/);
  }
});

test('more records than one answer holds', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const [one, two] = [machine({ channel: channel() }), machine({ channel: channel() })];
  for (let i = 0; i < 700; i += 1) one.keeper.add({ ...order, value: `10.0.${i >> 8}.${i & 255}` }, '');
  await one.keeper.start();
  await until('all told', () => redis.ask('HLEN', 'test:{bans}:records') === '700');
  await two.keeper.start();
  await until('all heard', () => two.keeper.size === 700);
  await one.keeper.stop();
  await two.keeper.stop();
});

test('Redis dies, comes back empty, and is filled anew; what was changed meanwhile goes out', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const { redis, channel } = await shared(t);
  const [one, two] = [machine({ channel: channel() }), machine({ channel: channel() })];
  await one.keeper.start();
  await two.keeper.start();
  const first = one.keeper.add(order, '');
  await until('the first ban', () => two.leftMs('192.0.2.1') > 0);
  await redis.kill();
  const warned = (node: typeof one) => node.lines.filter(({ level }) => level === 'warn').length;
  await until('both to notice', () => warned(one) > 0 && warned(two) > 0);
  assert.ok(one.leftMs('192.0.2.1') > 0, 'bans hold without Redis');
  one.keeper.add({ ...order, value: '192.0.2.2' }, '');
  assert.ok(first.ok && two.keeper.lift(first.ban.id, '').ok);
  await redis.start();
  await until('both changes', () => two.leftMs('192.0.2.2') > 0 && one.leftMs('192.0.2.1') === 0);
  await until('the empty Redis to be filled', () => redis.ask('HLEN', 'test:{bans}:records') === '2');
  assert.deepEqual([warned(one), warned(two)], [1, 1], 'told once, not with every round');
  await one.keeper.stop();
  await two.keeper.stop();
});

test('a lift that an older word of the ban was told over is told again', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const [one, two] = [machine({ channel: channel() }), machine({ channel: channel() })];
  await one.keeper.start();
  const added = one.keeper.add(order, '');
  assert.ok(added.ok);
  await until('the ban to be told', () => redis.ask('HLEN', 'test:{bans}:records') === '1');
  const before = redis.ask('HGET', 'test:{bans}:records', added.ban.id);
  assert.ok(one.keeper.lift(added.ban.id, '').ok);
  const isTold = () => redis.ask('HGET', 'test:{bans}:records', added.ban.id) !== before;
  await until('the lift to be told', isTold);
  // As of a machine that knew the ban alone when Redis came back empty.
  await channel().tell({ set: [[added.ban.id, before]], forget: [] });
  await two.keeper.start();
  await until('the lift to be told again', isTold);
  await until('the lift on the other machine', () => two.leftMs('192.0.2.1') === 0);
  await one.keeper.stop();
  await two.keeper.stop();
});

test('strange records are passed over and told of once', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const one = machine({ channel: channel() });
  const strange: [string, string][] = ['nonsense', '{}', '[]', `{"rule":"${'x'.repeat(99)}"}`].map((text, i) => [
    `id-${i}`,
    text,
  ]);
  await channel().tell({ set: strange, forget: [] });
  await one.keeper.start();
  await until('a warning', () => one.lines.some(({ level }) => level === 'warn'));
  one.keeper.add(order, '');
  await until('own bans to go out', () => redis.ask('HLEN', 'test:{bans}:records') === '5');
  assert.equal(one.lines.filter(({ level }) => level === 'warn').length, 1);
  assert.equal(one.keeper.size, 1);
  await one.keeper.stop();
});

test('what is forgotten leaves Redis; the keys end by themselves', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const one = machine({ channel: channel() });
  await one.keeper.start();
  one.fail('192.0.2.1');
  await until('told', () => redis.ask('HLEN', 'test:{bans}:records') === '1');
  for (const name of ['records', 'order', 'state']) {
    assert.ok(Number(redis.ask('TTL', `test:{bans}:${name}`)) > 5_000_000);
  }
  one.pass(1_000_000);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  await until('forgotten', () => redis.ask('HLEN', 'test:{bans}:records') === '0');
  assert.equal(redis.ask('ZCARD', 'test:{bans}:order'), '0');
  await one.keeper.stop();
});

test('what no machine was there to forget is removed by the next one', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const one = machine({ channel: channel() });
  await one.keeper.start();
  one.fail('192.0.2.1');
  await until('told', () => redis.ask('HLEN', 'test:{bans}:records') === '1');
  await one.keeper.stop();
  const two = machine({ channel: channel() });
  two.pass(1_000_000);
  await two.keeper.start();
  await until('removed', () => redis.ask('HLEN', 'test:{bans}:records') === '0');
  assert.equal(two.keeper.size, 0);
  await two.keeper.stop();
});

test('machines come to the same, in whatever order they hear', () => {
  const base: BanRecord = {
    rule: 'r',
    kind: 'address',
    value: 'v',
    sinceMs: 1,
    untilMs: 100,
    rememberedMs: 200,
    strikes: 1,
    reason: '',
    node: 'n',
    changedMs: 10,
    liftedMs: 0,
  };
  const told: BanRecord[] = [
    base,
    { ...base, changedMs: 20, untilMs: 90, strikes: 2, node: 'm' },
    { ...base, liftedMs: 25, strikes: 0 },
    { ...base, changedMs: 30, untilMs: 80, strikes: 1, liftedMs: 25 },
    { ...base, changedMs: 5, untilMs: 500, strikes: 9 },
  ];
  const outcomes = permutations(told).map((order) => JSON.stringify(order.reduce(mergeRecords)));
  assert.equal(outcomes.length, 120);
  assert.equal(new Set(outcomes).size, 1);
  const { untilMs, strikes, liftedMs } = JSON.parse(outcomes[0] as string) as BanRecord;
  assert.deepEqual([untilMs, strikes, liftedMs], [80, 1, 25], 'bans of before the lift do not come back');
  assert.equal(isLifted(mergeRecords(base, { ...base, liftedMs: 10 })), true);
  assert.match(banId(base), /^[0-9a-f]{24}$/);
  const others = [
    { ...base, rule: 'v', value: 'r' },
    { ...base, kind: 'header:x-user' },
    { ...base, value: 'r' },
  ];
  assert.equal(new Set([base, ...others].map(banId)).size, 4);
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
