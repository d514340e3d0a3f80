import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { RedisClient } from '../../src/redis/client.ts';
import { redisConfig, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const COMMANDS = /\$\d+\r\n(auth|client|info|select|evalsha|eval|cluster|sentinel)\r\n(?:\$\d+\r\n(info)\r\n)?/gi;
const INFO = '$18\r\ncluster_state:ok\r\n\r\n';

interface OddServer {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
}

/** Greets as Redis does, and answers scripts with the bytes of `answer`, others with those of `greeting`. */
async function oddServer(
  t: TestContext,
  answer: () => string,
  greeting: Record<string, string> = {},
): Promise<OddServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    // The client ends connections as it likes.
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      for (const [, word = '', more] of bytes.toString('latin1').matchAll(COMMANDS)) {
        const name = word.toLowerCase();
        if (more !== undefined) socket.write(INFO);
        else if (name.startsWith('eval')) socket.write(answer());
        else socket.write(greeting[name] ?? (name === 'info' ? INFO : '+OK\r\n'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** @returns  The value, or the words of the error. */
async function answerOf(client: RedisClient): Promise<unknown> {
  try {
    return await client.runScript('return 1', ['a'], [1]);
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

describe('Redis client and a server that is none', () => {
  /** Each ends the connection, and costs nothing else. */
  const breaches = {
    'a list longer than memory': '*99999999999\r\n',
    'lists in lists': '*1\r\n'.repeat(200_000),
    'another protocol': 'HTTP/1.1 400 Bad Request\r\n\r\n',
    'null to nobody': '$-1\r\n$-1\r\n$-1\r\n',
    'a push of null': '>1\r\n_\r\n',
    'a subscription to null': '>2\r\n$9\r\nsubscribe\r\n_\r\n',
  };
  for (const [name, bytes] of Object.entries(breaches)) {
    test(`${name} ends the connection, not the process; the next one works`, async (t) => {
      const thrown: unknown[] = [];
      const note = (error: unknown): void => {
        thrown.push(error);
      };
      process.on('uncaughtException', note);
      t.after(() => process.removeListener('uncaughtException', note));
      let answer = bytes;
      const server = await oddServer(t, () => answer);
      const client = new RedisClient(redisConfig(server.port), []);
      t.after(() => client.stop());
      await client.connect();
      assert.ok(client.isConnected);
      await answerOf(client);
      answer = ':7\r\n';
      await until(
        'an answer on another connection',
        async () => (await answerOf(client)) === 7 && server.connections() > 1,
      );
      assert.deepEqual(thrown, []);
    });
  }

  const node = (host: string, port: string): string => `*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${host}${port}`;
  const HOST = '$9\r\n127.0.0.1\r\n';
  const addresses = {
    cluster: {
      'no list of masters': '$-1\r\n',
      'masters of null': '*1\r\n*3\r\n$-1\r\n$-1\r\n$-1\r\n',
      'a billion hash slots': '*1\r\n*3\r\n:0\r\n:999999999\r\n*2\r\n$9\r\n127.0.0.1\r\n:PORT\r\n',
      'a master without a port': node(HOST, '$-1\r\n'),
      'a master with another port': node(HOST, ':99999999\r\n'),
    },
    sentinel: {
      'a master without a port': '*2\r\n$9\r\n127.0.0.1\r\n$-1\r\n',
      'a master with another port': '*2\r\n$9\r\n127.0.0.1\r\n$8\r\n99999999\r\n',
      'a master without a host': '*2\r\n$-1\r\n$4\r\n6379\r\n',
      'an empty list': '*0\r\n',
    },
  };
  for (const [mode, replies] of Object.entries(addresses) as ['cluster' | 'sentinel', Record<string, string>][]) {
    for (const [name, bytes] of Object.entries(replies)) {
      test(`${mode}: ${name} ends the connection, not the process; the right answer is asked for again`, async (t) => {
        const thrown: unknown[] = [];
        const note = (error: unknown): void => {
          thrown.push(error);
        };
        process.on('uncaughtException', note);
        t.after(() => process.removeListener('uncaughtException', note));
        const greeting: Record<string, string> = { [mode]: bytes };
        const server = await oddServer(t, () => ':7\r\n', greeting);
        const client = new RedisClient(redisConfig(server.port, { mode, connectMs: 500 }), []);
        t.after(() => client.stop());
        await client.connect();
        assert.equal(client.isConnected, false);
        const port = String(server.port);
        greeting.cluster = node(HOST, `:${port}\r\n`);
        greeting.sentinel = `*2\r\n${HOST}$${port.length}\r\n${port}\r\n`;
        // Asked for with the next try; a sentinel is also asked for its like, and that answer has another form.
        await until('an answer', async () => (await answerOf(client)) === 7);
        assert.deepEqual(thrown, []);
      });
    }
  }

  test('an answer without end is cut', async (t) => {
    const piece = `$999999999\r\n${'x'.repeat(6 * 1_048_576)}`;
    let isEndless = true;
    const server = await oddServer(t, () => (isEndless ? piece : ':7\r\n'));
    const client = new RedisClient(redisConfig(server.port), []);
    t.after(() => client.stop());
    await client.connect();
    for (let i = 0; i < 2; i += 1) assert.match(String(await answerOf(client)), /^error: no answer/);
    assert.equal(server.connections(), 1, 'two pieces are not too much');
    await answerOf(client);
    isEndless = false;
    await until('another connection', async () => (await answerOf(client)) === 7);
    assert.equal(server.connections(), 2);
  });

  test('good answers may be as many as they like', async (t) => {
    const server = await oddServer(t, () => `$1048576\r\n${'x'.repeat(1_048_576)}\r\n`);
    const client = new RedisClient(redisConfig(server.port, { timeoutMs: 10_000 }), []);
    t.after(() => client.stop());
    await client.connect();
    for (let i = 0; i < 24; i += 1) assert.equal(String(await answerOf(client)).length, 1_048_576);
    assert.equal(server.connections(), 1);
  });

  test('no password gets into words, though the server echoes it; and words have an end', async (t) => {
    const echo = "-ERR unknown command 'AUTH', with args beginning with: 'top-secret'\r\n";
    let answer = echo;
    const server = await oddServer(t, () => answer);
    const client = new RedisClient(redisConfig(server.port, { password: 'top-secret' }), []);
    t.after(() => client.stop());
    await client.connect();
    assert.equal(await answerOf(client), "error: ERR unknown command 'AUTH', with args beginning with: '[secret]'");
    answer = `-ERR ${'x'.repeat(1_000_000)}\r\n`;
    assert.ok(String(await answerOf(client)).length < 500);
    const refusing = await oddServer(t, () => ':1\r\n', { auth: echo });
    const refused = new RedisClient(redisConfig(refusing.port, { password: 'top-secret' }), []);
    t.after(() => refused.stop());
    await refused.connect();
    const failure: Error = await refused.run([]).then(
      () => assert.fail('is connected'),
      (error) => error,
    );
    assert.match(String(failure.cause), /unknown command 'AUTH'.*\[secret\]/);
    assert.doesNotMatch(JSON.stringify([failure.message, failure.stack, String(failure.cause)]), /top-secret/);
  });

  test('a database that is not there is no connection', { skip: WITHOUT_REDIS }, async (t) => {
    const redis = await TestRedis.start(t, '--databases', '2');
    const client = new RedisClient(redisConfig(redis.port, { database: 5 }), []);
    t.after(() => client.stop());
    await client.connect();
    for (let i = 0; i < 20; i += 1) {
      assert.match(String(await answerOf(client)), /^error: /);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const failure: Error = await client.run([]).then(
      () => assert.fail('is connected'),
      (error) => error,
    );
    assert.match(String(failure.cause), /DB index is out of range/);
    redis.ask('CONFIG', 'RESETSTAT');
    await until(
      'some tries',
      () => Number(/total_connections_received:(\d+)/.exec(redis.ask('INFO', 'stats'))?.[1]) > 4,
    );
    assert.doesNotMatch(redis.ask('INFO', 'commandstats'), /cmdstat_eval/);
  });
});
