import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { redisBans } from '../../src/abuse/redis-bans.ts';
import type { RedisConfig } from '../../src/config/schema.ts';
import { RedisClient, script } from '../../src/redis/client.ts';
import { TestAuthority } from '../support/certificates.ts';
import { documentedRights, redisConfig, startCluster, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const SET = "return redis.call('SET', KEYS[1], ARGV[1])";
const GET = "return redis.call('GET', KEYS[1])";

async function connected(
  t: TestContext,
  settings: RedisConfig,
  authorities: readonly string[] = [],
): Promise<RedisClient> {
  const client = new RedisClient(settings, authorities);
  t.after(() => client.stop());
  await client.connect();
  return client;
}

describe('Redis client', { skip: WITHOUT_REDIS }, () => {
  test('runs scripts, also those that the server has forgotten, and tells errors apart', async (t) => {
    const redis = await TestRedis.start(t);
    const client = await connected(t, redisConfig(redis.port, { database: 3 }));
    assert.equal(await client.runScript(SET, ['a'], ['1']), 'OK');
    redis.ask('SCRIPT', 'FLUSH');
    assert.equal(await client.runScript(GET, ['a'], []), '1');
    assert.equal(await client.runScript(GET, ['nothing'], []), null);
    assert.deepEqual(await client.runScript("return { 1, 'two', { 3 } }", [], []), [1, 'two', [3]]);
    assert.equal(redis.ask('-n', '3', 'GET', 'a'), '1');
    await assert.rejects(client.runScript("return redis.error_reply('ODD one')", [], []), /ODD one/);
    const [good, bad, unknown] = await client.run([
      { script: script(GET), keys: ['a'], args: [] },
      { script: script('this is no Lua'), keys: [], args: [] },
      { script: script("return 'never seen'"), keys: [], args: [] },
    ]);
    assert.deepEqual(good, { value: '1' });
    assert.ok(bad !== undefined && 'error' in bad && /compiling/.test(bad.error.message));
    assert.deepEqual(unknown, { value: 'never seen' });
  });

  test('gives up what is late, at once what has no connection, and goes on afterwards', async (t) => {
    const redis = await TestRedis.start(t);
    const client = await connected(t, redisConfig(redis.port, { timeoutMs: 50 }));
    redis.signal('SIGSTOP');
    const startMs = performance.now();
    await assert.rejects(client.runScript(GET, ['a'], []), /no answer from Redis in 50 ms/);
    assert.ok(performance.now() - startMs < 5_000);
    redis.signal('SIGCONT');
    await until('answers', () =>
      client.runScript(GET, ['a'], []).then(
        () => true,
        () => false,
      ),
    );
    await redis.kill();
    await until('the end of the connection', () => !client.isConnected);
    await assert.rejects(client.runScript(GET, ['a'], []), /not connected to Redis/);
    await redis.start();
    await until('a connection', () => client.isConnected);
    assert.equal(await client.runScript(GET, ['a'], []), null);
    client.stop();
    await assert.rejects(client.runScript(GET, ['a'], []), /not connected to Redis/);
  });

  test('speaks TLS with those whose certificate is right, and with nobody else', async (t) => {
    const authority = new TestAuthority();
    const stranger = new TestAuthority();
    after(() => {
      authority.remove();
      stranger.remove();
    });
    const { certificateFile, keyFile } = authority.issue({ names: ['redis.test'] });
    const words = ['--tls-port', 'PORT', '--tls-cert-file', certificateFile, '--tls-key-file', keyFile];
    const redis = await TestRedis.start(t, ...words, '--tls-auth-clients', 'no', '--requirepass', 'right-one');
    const tls = { enabled: true, verify: true, serverName: 'redis.test', ca: '' };
    const settings = (more: Partial<typeof tls>): RedisConfig =>
      redisConfig(redis.port, { tls: { ...tls, ...more }, password: 'right-one', timeoutMs: 2_000, connectMs: 2_000 });
    const right = await connected(t, settings({}), [authority.root.certificatePem]);
    assert.equal(await right.runScript(SET, ['a'], ['1']), 'OK');
    const unverified = await connected(t, settings({ verify: false }), []);
    assert.equal(await unverified.runScript(GET, ['a'], []), '1');
    for (const [more, authorities] of [
      [{}, [stranger.root.certificatePem]],
      [{}, []],
      [{ serverName: 'other.test' }, [authority.root.certificatePem]],
    ] as const) {
      const client = await connected(t, settings(more), authorities);
      assert.equal(client.isConnected, false);
      await assert.rejects(client.runScript(GET, ['a'], []), /not connected to Redis/);
    }
  });

  test('follows the master that the sentinels name, through a failover', async (t) => {
    const master = await TestRedis.start(t);
    const replica = await TestRedis.start(t, '--replicaof', '127.0.0.1', String(master.port));
    const sentinel = await TestRedis.sentinel(t, master);
    await until('the sentinel to know the replica', () =>
      sentinel.ask('SENTINEL', 'replicas', 'mymaster').includes(String(replica.port)),
    );
    await until('the replica to follow', () => replica.ask('INFO', 'replication').includes('master_link_status:up'));
    const client = await connected(t, redisConfig(sentinel.port, { mode: 'sentinel' }));
    assert.equal(await client.runScript(SET, ['a'], ['1']), 'OK');
    await until('the write to arrive', () => replica.ask('GET', 'a') === '1');
    await master.kill();
    const killedMs = performance.now();
    await until(
      'the new master',
      () =>
        client.runScript(SET, ['a'], ['2']).then(
          () => true,
          () => false,
        ),
      30_000,
    );
    t.diagnostic(`writing again ${Math.round(performance.now() - killedMs)} ms after the master was killed`);
    assert.equal(replica.ask('GET', 'a'), '2');
  });

  test('leaves a master that has become a replica', async (t) => {
    const other = await TestRedis.start(t);
    const redis = await TestRedis.start(t);
    const client = await connected(t, redisConfig(redis.port));
    redis.ask('REPLICAOF', '127.0.0.1', String(other.port));
    await assert.rejects(client.runScript(SET, ['a'], ['1']), /READONLY/);
    redis.ask('REPLICAOF', 'NO', 'ONE');
    await until('writes', () =>
      client.runScript(SET, ['a'], ['1']).then(
        () => true,
        () => false,
      ),
    );
  });

  test('finds the master of each key in a cluster, with the rights that the documents name', async (t) => {
    const masters = await startCluster(t);
    for (const master of masters) {
      master.ask('ACL', 'SETUSER', 'gateway', 'on', '>right-one', ...documentedRights(true));
    }
    const user = { username: 'gateway', password: 'right-one' };
    const client = await connected(t, redisConfig((masters[2] as TestRedis).port, { mode: 'cluster', ...user }));
    assert.ok(client.isConnected);
    const keys = Array.from({ length: 60 }, (_, index) => `sallyport:{${index}}:a`);
    const replies = await client.run(keys.map((key) => ({ script: script(SET), keys: [key], args: [key] })));
    assert.deepEqual(
      replies.filter((reply) => !('value' in reply) || reply.value !== 'OK'),
      [],
    );
    for (const key of keys) assert.equal(await client.runScript(GET, [key], []), key);
    assert.ok(masters.every((master) => Number(master.ask('DBSIZE')) > 5));
    const bans = redisBans((...call) => client.runScript(...call), 'sallyport:');
    await bans.tell({ set: [['id', 'a record']], forget: [] });
    assert.deepEqual((await bans.ask(null)).texts, ['a record']);
    await bans.tell({ set: [], forget: [['id', 'another record']] });
    assert.deepEqual((await bans.ask(null)).texts, ['a record'], 'it was made anew meanwhile');
    await bans.tell({ set: [], forget: [['id', 'a record']] });
    assert.deepEqual((await bans.ask(null)).texts, []);
  });
});
