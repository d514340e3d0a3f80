import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Introspected, IntrospectionClient } from '../../src/auth/introspection-client.ts';
import type { IntrospectionSettings } from '../../src/auth/introspection-settings.ts';
import { INTROSPECTION_QUEUE_MAX } from '../../src/limits.ts';
import { until } from '../support/wait.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ';

function answer(subject: string, length = 0): string {
  const pad = (more: string): string => {
    const body = JSON.stringify({ active: true, sub: subject, more });
    return `${HEAD}${body.length}\r\n\r\n${body}`;
  };
  const short = pad('').length;
  // The length of the body has up to four digits more then.
  const text = pad('x'.repeat(Math.max(0, length - short - 3)));
  assert.ok(length === 0 || text.length === length, `${text.length}`);
  return text;
}

/** A server of raw sockets. @param respond  Told each token that came on a connection, the first with number 0. */
async function serve(
  t: TestContext,
  respond: (socket: Socket, token: string, number: number) => void,
): Promise<{ readonly port: number; readonly sockets: Set<Socket>; opened: () => number }> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((socket) => {
    opened += 1;
    sockets.add(socket);
    let text = '';
    let number = 0;
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      const token = /\r\n\r\n.*token=([a-z0-9-]+)&token_type_hint=access_token/s.exec(text)?.[1];
      if (token === undefined) return;
      text = '';
      respond(socket, token, number);
      number += 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, opened: () => opened };
}

function clientOf(t: TestContext, port: number, more: Partial<IntrospectionSettings> = {}): IntrospectionClient {
  const client = new IntrospectionClient(
    {
      name: 'main',
      url: `http://127.0.0.1:${port}/`,
      clientId: 'gateway',
      clientSecret: 'secret',
      method: 'client_secret_basic',
      audiences: [],
      issuer: '',
      scopeClaim: 'scope',
      timeoutMs: 10_000,
      cacheMs: 0,
      negativeCacheMs: 0,
      cacheMax: 16,
      connectionsMax: 1,
      ...more,
    },
    [],
  );
  t.after(() => client.close());
  return client;
}

const asked = (client: IntrospectionClient, token: string): Promise<Introspected> =>
  new Promise((resolve, reject) => {
    if (!client.ask(token, resolve)) reject(new Error('no room'));
  });

const subjectOf = (found: Introspected): string =>
  found.kind === 'answer' ? JSON.parse(found.bytes.toString()).sub : JSON.stringify(found);

/** A read of the event loop takes so much: what is behind it comes in a read of its own. */
const READ_BYTES = 65_536;

const SURPLUS: Readonly<Record<string, (socket: Socket, token: string) => void>> = {
  'in the same read': (socket, token) => void socket.write(answer(token) + answer('surplus')),
  'in the next read': (socket, token) => void socket.write(answer(token, READ_BYTES) + answer('surplus')),
  'in a write of its own': (socket, token) => {
    socket.setNoDelay(true);
    socket.write(answer(token));
    socket.write(answer('surplus'));
  },
  'half of it': (socket, token) => void socket.write(answer(token, READ_BYTES) + answer('surplus').slice(0, -5)),
  'not HTTP': (socket, token) => void socket.write(`${answer(token, READ_BYTES)}surplus`),
};

test('what a server sends behind an answer is never the answer about the next token', async (t) => {
  assert.equal(Object.keys(SURPLUS).length, 5);
  for (const [name, say] of Object.entries(SURPLUS)) {
    await t.test(name, async (tt) => {
      const server = await serve(tt, (socket, token) => say(socket, token));
      const client = clientOf(tt, server.port);
      const tokens = Array.from({ length: 30 }, (_, index) => `token-${index}`);
      const found = await Promise.all(tokens.map((token) => asked(client, token)));
      assert.deepEqual(found.map(subjectOf), tokens);
    });
  }
});

test('what comes on an idle connection closes it', async (t) => {
  const server = await serve(t, (socket, token) => void socket.write(answer(token)));
  const client = clientOf(t, server.port);
  assert.equal(subjectOf(await asked(client, 'a')), 'a');
  assert.equal(subjectOf(await asked(client, 'b')), 'b');
  assert.equal(server.opened(), 1);
  for (const socket of server.sockets) socket.write(answer('surplus'));
  await until('the connection to be closed', () => server.sockets.size === 0);
  assert.equal(subjectOf(await asked(client, 'c')), 'c');
  assert.equal(server.opened(), 2);
});

test('a kept connection that the server closes under a question is replaced, once', async (t) => {
  let count = 0;
  const server = await serve(t, (socket, token, number) => {
    count += 1;
    if (number === 0 && token !== 'c') socket.write(answer(token));
    else socket.destroy();
  });
  const client = clientOf(t, server.port);
  assert.equal(subjectOf(await asked(client, 'a')), 'a');
  assert.equal(subjectOf(await asked(client, 'b')), 'b');
  assert.equal(count, 3);
  assert.equal((await asked(client, 'c')).kind, 'failed');
  assert.ok(count <= 5, `${count}`);
});

test('questions beyond connections and queue find no room; those that wait are told when it is over', async (t) => {
  const server = await serve(t, () => undefined);
  const client = clientOf(t, server.port, { timeoutMs: 400, connectionsMax: 2 });
  const found: Promise<Introspected>[] = [];
  for (let i = 0; i < 2 + INTROSPECTION_QUEUE_MAX; i += 1) found.push(asked(client, `token-${i}`));
  assert.equal(client.underWay, 2 + INTROSPECTION_QUEUE_MAX);
  await assert.rejects(asked(client, 'one-more'), /no room/);
  const kinds = (await Promise.all(found)).map((one) => (one.kind === 'failed' ? one.reason : one.kind));
  assert.equal(kinds.filter((kind) => kind === 'timeout').length, 2);
  assert.equal(kinds.filter((kind) => kind === 'not-asked').length, INTROSPECTION_QUEUE_MAX);
  assert.equal(client.underWay, 0);
});

test('an end calls back everybody and closes every connection; afterwards there is no room', async (t) => {
  const server = await serve(t, (socket, token) => void (token === 'a' && socket.write(answer(token))));
  const client = clientOf(t, server.port, { connectionsMax: 2 });
  await Promise.all([asked(client, 'a'), asked(client, 'a')]);
  const found = ['b', 'c', 'd'].map((token) => asked(client, token));
  await until('two questions at the server', () => server.sockets.size === 2);
  client.close();
  const kinds = (await Promise.all(found)).map((one) => (one.kind === 'failed' ? one.detail : one.kind));
  assert.deepEqual(kinds, ['given up', 'given up', 'not-asked']);
  await until('no connection', () => server.sockets.size === 0);
  await assert.rejects(asked(client, 'e'), /no room/);
});

test('a retired client ends what is under way, and keeps no connection', async (t) => {
  const held: Socket[] = [];
  const server = await serve(
    t,
    (socket, token) => void (token === 'slow' ? held.push(socket) : socket.write(answer(token))),
  );
  const client = clientOf(t, server.port, { connectionsMax: 2 });
  const slow = asked(client, 'slow');
  assert.equal(subjectOf(await asked(client, 'a')), 'a');
  client.retire();
  await until('the idle connection to be closed', () => server.sockets.size === 1);
  held[0]?.write(answer('slow'));
  assert.equal(subjectOf(await slow), 'slow');
  await until('no connection', () => server.sockets.size === 0);
  // A request of the former configuration, that waited for its body say.
  assert.equal(subjectOf(await asked(client, 'b')), 'b');
  await until('no connection again', () => server.sockets.size === 0);
});
