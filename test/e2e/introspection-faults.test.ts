import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TestAuthority } from '../support/certificates.ts';
import { makeDpopKey, makeDpopProof } from '../support/dpop.ts';
import { type ConfigDocument, type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { IntrospectionServer } from '../support/introspection-server.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const CLIENT = { clientId: 'gate:way', clientSecret: 'se cret%&' };

interface Setting {
  readonly gateway: Gateway;
  readonly config: (server: ConfigDocument, more?: ConfigDocument) => ConfigDocument;
}

async function begin(t: TestContext, server: ConfigDocument, more: ConfigDocument = {}): Promise<Setting> {
  const upstream = await startRecordingUpstream();
  t.after(() => upstream.close());
  const config: Setting['config'] = (main, others = {}) =>
    simpleConfig(upstream.port, {
      threads: 1,
      introspection: { main: { ...CLIENT, ...main } },
      routes: [{ name: 'all', upstream: 'main', policies: { auth: { introspection: 'main' } } }],
      ...more,
      ...others,
    });
  const gateway = await startGateway({ config: config(server) });
  t.after(() => gateway.stop());
  return { gateway, config };
}

interface Answer {
  /** 0 where the connection was cut. */
  readonly status: number;
  readonly challenge: string;
}

const agent = new Agent({ keepAlive: false });

function ask(gateway: Gateway, token: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}`, ...fields };
    const sent = request({ host: '127.0.0.1', port: gateway.http, path: '/x', headers, agent }, (response) => {
      response.resume();
      const challenge = String(response.headers['www-authenticate'] ?? '');
      response.once('close', () => resolve({ status: response.statusCode ?? 0, challenge }));
    });
    sent.on('error', () => resolve({ status: 0, challenge: '' }));
    sent.end();
  });
}

async function revoke(gateway: Gateway, order: ConfigDocument): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${gateway.admin}/revocations`, {
    method: 'POST',
    headers: { 'x-sallyport-admin': '1', 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  assert.ok(response.ok, await response.text());
}

test('TLS with an authority of its own, client_secret_post; with another authority 503', async (t) => {
  const authority = new TestAuthority();
  const stranger = new TestAuthority();
  t.after(() => {
    authority.remove();
    stranger.remove();
  });
  const server = await IntrospectionServer.start(t, authority.issue({ names: ['IP:127.0.0.1'] }));
  server.answer = ({ token }) => ({ active: token === 'good', sub: 'ann' });
  const settings = { url: server.url, method: 'client_secret_post', ca: authority.root.certificateFile };
  const { gateway, config } = await begin(t, settings);
  assert.equal((await ask(gateway, 'good')).status, 200);
  assert.equal((await ask(gateway, 'bad')).status, 401);
  const [first] = server.questions;
  assert.equal(first?.authorization, '');
  assert.deepEqual(Object.fromEntries(first?.form ?? []), {
    token: 'good',
    token_type_hint: 'access_token',
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
  });
  const reloaded = await gateway.reload(config({ ...settings, ca: stranger.root.certificateFile }));
  assert.ok(reloaded.ok, reloaded.text);
  assert.equal((await ask(gateway, 'good')).status, 503, 'nothing learned over the former authority counts');
  assert.equal(server.questions.length, 2, 'nothing is said to whom nobody vouches for');
  const lines = `${gateway.text()}${gateway.stderr()}${await gateway.metrics()}`;
  for (const secret of [CLIENT.clientSecret, 'Bearer good']) assert.ok(!lines.includes(secret));
});

test('a reload keeps what is remembered of an unchanged server, and closes one that is gone', async (t) => {
  const [kept, gone] = await Promise.all([IntrospectionServer.start(t), IntrospectionServer.start(t)]);
  for (const server of [kept, gone]) server.answer = () => ({ active: true });
  const { gateway, config } = await begin(t, { url: kept.url, cacheMs: 600_000 });
  assert.equal((await ask(gateway, 'a')).status, 200);
  assert.equal(kept.questions[0]?.authorization, `Basic ${btoa('gate%3Away:se+cret%25%26')}`);
  await until(
    'the answer to be counted',
    async () => (await gateway.metric('sallyport_introspection_answers_kept')) === 1,
  );
  assert.equal(kept.sockets.size, 1);
  assert.ok((await gateway.reload(config({ url: kept.url, cacheMs: 600_000 }, { log: { level: 'debug' } }))).ok);
  assert.equal((await ask(gateway, 'a')).status, 200);
  assert.equal(kept.questions.length, 1);
  assert.equal(kept.sockets.size, 1);
  assert.ok((await gateway.reload(config({ url: gone.url, cacheMs: 600_000 }))).ok);
  await until('the connection to be closed', () => kept.sockets.size === 0);
  assert.equal((await ask(gateway, 'a')).status, 200);
  assert.deepEqual([kept.questions.length, gone.questions.length], [1, 1]);
  assert.ok((await gateway.reload(config({ url: kept.url, cacheMs: 600_000 }))).ok);
  await until('that one, too', () => gone.sockets.size === 0);
  assert.equal((await ask(gateway, 'a')).status, 200, 'asked anew');
  assert.equal(kept.questions.length, 2);
  assert.equal(await gateway.metric('sallyport_introspection_questions_total', 'result="active"'), 3);
});

test('a token that its server calls bound to a key wants a proof by that key, for that token, once', async (t) => {
  const server = await IntrospectionServer.start(t);
  const key = makeDpopKey();
  server.answer = () => ({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } });
  const { gateway } = await begin(t, { url: server.url });
  const proof = (maker = key, accessToken = 'bound') =>
    makeDpopProof({
      key: maker,
      method: 'GET',
      url: `http://127.0.0.1:${gateway.http}/x`,
      accessToken,
      nowMs: Date.now(),
    });
  const scheme = { authorization: 'DPoP bound' };
  assert.equal((await ask(gateway, 'bound')).status, 401, 'as a bearer token');
  assert.equal((await ask(gateway, 'bound', { dpop: proof() })).status, 401, 'with a proof, as a bearer token');
  assert.equal((await ask(gateway, 'bound', scheme)).status, 401, 'without a proof');
  assert.equal((await ask(gateway, 'bound', { ...scheme, dpop: proof(makeDpopKey()) })).status, 401, 'another key');
  assert.equal((await ask(gateway, 'bound', { ...scheme, dpop: proof(key, 'other') })).status, 401, 'another token');
  const once = { ...scheme, dpop: proof() };
  assert.equal((await ask(gateway, 'bound', once)).status, 200);
  assert.equal((await ask(gateway, 'bound', once)).status, 401, 'a second time');
  assert.equal(server.questions.length, 1);
});

test('a flood of made-up tokens: bounded questions, and known callers go through', async (t) => {
  const server = await IntrospectionServer.start(t);
  server.answer = async ({ token }) => {
    await delay(5);
    return { active: token === 'honest' };
  };
  const { gateway } = await begin(t, { url: server.url, connectionsMax: 3, cacheMs: 600_000, timeoutMs: 2_000 });
  assert.equal((await ask(gateway, 'honest')).status, 200);
  const seen: Record<number, number> = {};
  let number = 0;
  const flood = async (): Promise<void> => {
    while (number < 1_500) {
      number += 1;
      const { status } = await ask(gateway, `made-up-${number % 1_000}`);
      seen[status] = (seen[status] ?? 0) + 1;
    }
  };
  let isOver = false;
  const honest = (async () => {
    let count = 0;
    while (!isOver) {
      assert.equal((await ask(gateway, 'honest')).status, 200);
      count += 1;
    }
    return count;
  })();
  await Promise.all(Array.from({ length: 100 }, flood));
  isOver = true;
  assert.ok((await honest) > 10);
  assert.ok(server.peak <= 3, `${server.peak} at once`);
  assert.ok(server.questions.length <= 1_501, `${server.questions.length}`);
  assert.equal(server.asked('honest'), 1);
  assert.deepEqual(
    Object.keys(seen).filter((status) => status !== '401' && status !== '503'),
    [],
  );
  assert.ok((seen[401] ?? 0) > 0);
});

test('a flood while the server is down: some questions a second, and 503 for everybody new', async (t) => {
  const { gateway } = await begin(t, { url: 'http://127.0.0.1:9/introspect', connectionsMax: 2 });
  const startedAt = performance.now();
  let number = 0;
  const flood = async (): Promise<void> => {
    while (number < 1_000) {
      number += 1;
      assert.equal((await ask(gateway, `token-${number}`)).status, 503);
    }
  };
  await Promise.all(Array.from({ length: 50 }, flood));
  const asked = await gateway.metric('sallyport_introspection_questions_total', 'result="connection"');
  const bound = 5 + 2 + (performance.now() - startedAt) / 1_000 + 1;
  assert.ok(asked >= 5 && asked <= bound, `${asked} asked, at most ${bound}`);
  assert.equal(gateway.lines.filter(({ msg }) => String(msg).includes('left alone')).length, 1);
});

test('a full queue answers 503 at once, and those in it get theirs in time', async (t) => {
  const server = await IntrospectionServer.start(t);
  server.answer = () => null;
  const { gateway } = await begin(
    t,
    { url: server.url, connectionsMax: 1, timeoutMs: 12_000 },
    { authentication: { waitingMax: 5_000, waitMs: 30_000 } },
  );
  const answers = Array.from({ length: 1_125 }, (_, index) => ask(gateway, `token-${index}`));
  const full = await until(
    'tokens without room',
    async () => {
      const count = await gateway.metric('sallyport_introspection_questions_total', 'result="full"');
      return count >= 100 && count;
    },
    30_000,
  );
  assert.equal(full, 100);
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], [503]);
  assert.equal(server.questions.length, 1);
});

test('who was revoked is refused at once, though the answer is remembered', async (t) => {
  const server = await IntrospectionServer.start(t);
  server.answer = ({ token }) => ({ active: true, sub: token, client_id: 'app', jti: `id-${token}` });
  const { gateway } = await begin(t, { url: server.url, cacheMs: 600_000 });
  for (const token of ['ann', 'bob', 'carol']) assert.equal((await ask(gateway, token)).status, 200);
  const order = { issuer: 'main', seconds: 600, reason: 'a test' };
  await revoke(gateway, { kind: 'subject', value: 'ann', ...order });
  await until('ann to be refused', async () => (await ask(gateway, 'ann')).status === 401);
  await revoke(gateway, { kind: 'token', value: 'id-bob', ...order });
  await until('bob to be refused', async () => (await ask(gateway, 'bob')).status === 401);
  assert.equal((await ask(gateway, 'carol')).status, 200);
  assert.equal(server.questions.length, 3, 'nobody was asked about again');
});

test('a stop with questions under way ends in time, and no thread dies of it', async (t) => {
  const server = await IntrospectionServer.start(t);
  server.answer = () => null;
  const slow = { url: server.url, connectionsMax: 2, timeoutMs: 60_000 };
  const { gateway, config } = await begin(t, slow, {
    drain: { deadlineMs: 500 },
    authentication: { waitMs: 60_000 },
  });
  const answers = ['a', 'b', 'c', 'd'].map((token) => ask(gateway, token));
  await until('questions', () => server.questions.length === 2);
  // Those of a server that a reload retired, too.
  assert.ok((await gateway.reload(config({ ...slow, cacheMs: 1 }))).ok);
  answers.push(ask(gateway, 'e'));
  await until('one more', () => server.questions.length === 3);
  assert.equal(await gateway.stop('SIGTERM', 20_000), 0);
  for (const { status } of await Promise.all(answers)) assert.ok(status === 0 || status === 503, `${status}`);
  assert.ok(gateway.lines.some(({ level }) => Number(level) >= 30));
  assert.equal(gateway.lines.filter(({ level }) => Number(level) >= 50).length, 0);
});
