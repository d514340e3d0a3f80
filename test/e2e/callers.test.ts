import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { makeDpopKey, makeDpopProof } from '../support/dpop.ts';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { MACHINE, TestProvider } from '../support/oidc-provider.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({ onRequest: (_request, reply) => reply.ok('{}') });
});

after(async () => {
  await upstream.close();
});

const SECRET = randomBytes(24).toString('base64url');

const guarded = (auth: ConfigDocument, more: ConfigDocument): ConfigDocument => ({
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
  routes: [{ name: 'guarded', upstream: 'main', policies: { auth } }],
  ...more,
});

const issuer = (provider: TestProvider): ConfigDocument => ({
  main: { issuer: provider.issuer, audiences: [provider.audience] },
});

interface Asked {
  readonly fields?: Readonly<Record<string, string>>;
  readonly path?: string;
}

/** On a connection of its own: any thread may get it. */
async function ask(gateway: Gateway, { fields = {}, path = '/a' }: Asked): Promise<Response> {
  const answer = await fetch(`http://127.0.0.1:${gateway.http}${path}`, {
    headers: { ...fields, connection: 'close' },
  });
  await answer.arrayBuffer();
  return answer;
}

async function order(gateway: Gateway, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://127.0.0.1:${gateway.admin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sallyport-admin': '1' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${answer.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Asks until twenty answers in a row, from all threads, have a status. @returns  Milliseconds to the first of them. */
async function untilAll(gateway: Gateway, asked: Asked, status: number): Promise<number> {
  const startedAt = performance.now();
  let sinceMs = -1;
  let inRow = 0;
  await until(
    `status ${status}`,
    async () => {
      const isRight = (await ask(gateway, asked)).status === status;
      inRow = isRight ? inRow + 1 : 0;
      if (inRow === 1) sinceMs = performance.now() - startedAt;
      return inRow === 20;
    },
    10_000,
    0,
  );
  return sinceMs;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-callers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('an API key from its making to its end', async (t) => {
  const config = guarded(
    { apiKeys: true, hideCredentials: true, scopes: { all: ['read'] } },
    {
      apiKeys: { store: 'file', file: join(folderOf(t), 'keys'), secret: SECRET },
      identity: { fields: [{ name: 'x-owner', from: 'subject' }] },
    },
  );
  const gateway = await startGateway({ config });
  t.after(() => gateway.stop());
  const made = await order(gateway, '/keys', { name: 'reports', owner: 'team-a', scopes: ['read'] });
  const id = String(made.id);
  const fields = { 'x-api-key': String(made.secret ?? made.key) };
  const madeMs = await untilAll(gateway, { fields }, 200);
  const seen = upstream.requests.at(-1)?.fields.map(([name, value]) => `${name}: ${value}`) ?? [];
  assert.ok(seen.includes('x-owner: team-a'));
  assert.ok(!seen.some((field) => field.startsWith('x-api-key')), 'the key stays here');
  assert.equal((await ask(gateway, { fields: { 'x-api-key': `${fields['x-api-key']}x` } })).status, 401);
  assert.equal((await ask(gateway, { path: `/a?key=${fields['x-api-key']}` })).status, 401, 'not from the query');

  const rotated = await order(gateway, `/keys/${id}/rotate`, { graceSeconds: 3_600 });
  const next = { 'x-api-key': String(rotated.secret ?? rotated.key) };
  assert.notEqual(next['x-api-key'], fields['x-api-key']);
  await untilAll(gateway, { fields: next }, 200);
  assert.equal((await ask(gateway, { fields })).status, 200, 'both work in the time of grace');

  await order(gateway, `/keys/${id}/revoke`);
  const goneMs = await untilAll(gateway, { fields: next }, 401);
  assert.equal((await ask(gateway, { fields })).status, 401);
  t.diagnostic(`works on all threads after ${madeMs.toFixed(0)} ms, refused after ${goneMs.toFixed(0)} ms`);
  assert.equal((await gateway.metric('sallyport_auth_refused_total', 'reason="revoked"')) > 0, true);
  const { text, stderr } = gateway;
  for (const secret of [fields, next]) assert.ok(!`${text()}${stderr()}`.includes(secret['x-api-key']), 'in the log');
});

test('a revoked client is refused on all threads of two gateways on one Redis', { skip: WITHOUT_REDIS }, async (t) => {
  const redis = await TestRedis.start(t);
  const provider = await TestProvider.start(t);
  const config = guarded(
    { issuers: ['main'] },
    { issuers: issuer(provider), redis: { mode: 'single', nodes: [`127.0.0.1:${redis.port}`], keySecret: SECRET } },
  );
  const gateways = [await startGateway({ config }), await startGateway({ config })] as const;
  for (const gateway of gateways) t.after(() => gateway.stop());
  const [here, there] = gateways;
  const fields = { authorization: `Bearer ${await provider.machineToken()}` };
  for (const gateway of gateways) await untilAll(gateway, { fields }, 200);
  await order(here, '/revocations', { kind: 'client', issuer: 'main', value: MACHINE, reason: 'a test' });
  const [hereMs, thereMs] = await Promise.all([untilAll(here, { fields }, 401), untilAll(there, { fields }, 401)]);
  t.diagnostic(
    `refused on all threads after ${hereMs.toFixed(0)} ms, on the other gateway after ${thereMs.toFixed(0)} ms`,
  );
  assert.ok((await there.metric('sallyport_auth_refused_total', 'reason="revoked"')) > 0);
});

test('a token that a real provider bound to a key: each request proves it, once', async (t) => {
  const provider = await TestProvider.start(t);
  const gateway = await startGateway({ config: guarded({ issuers: ['main'] }, { issuers: issuer(provider) }) });
  t.after(() => gateway.stop());
  const key = makeDpopKey();
  const form = { grant_type: 'client_credentials', scope: 'read', resource: provider.audience };
  const proof = makeDpopProof({
    key,
    method: 'POST',
    url: `${provider.issuer}/token`,
    accessToken: '',
    nowMs: Date.now(),
    claims: { ath: undefined },
  });
  const { access_token: token, token_type: type } = await provider.token(MACHINE, form, { dpop: proof });
  assert.equal(type, 'DPoP');
  const url = `http://127.0.0.1:${gateway.http}/a`;
  const make = (target = url): string =>
    makeDpopProof({ key, method: 'GET', url: target, accessToken: token, nowMs: Date.now() });
  const once = make();
  const fields = { authorization: `DPoP ${token}`, dpop: once };
  assert.equal((await ask(gateway, { fields })).status, 200);
  for (let i = 0; i < 8; i += 1) {
    const again = await ask(gateway, { fields });
    assert.deepEqual(
      [again.status, again.headers.get('www-authenticate')?.includes('invalid_dpop_proof')],
      [401, true],
    );
  }
  assert.equal((await ask(gateway, { fields: { ...fields, dpop: make() } })).status, 200);
  assert.equal((await ask(gateway, { fields: { ...fields, dpop: make(`${url}b`) } })).status, 401);
  assert.equal((await ask(gateway, { fields: { authorization: `Bearer ${token}` } })).status, 401, 'downgrade');
  assert.equal((await ask(gateway, { fields: { authorization: `DPoP ${token}` } })).status, 401);
  const reasons = ['dpop-replayed', 'dpop-invalid', 'dpop-binding', 'dpop-missing'];
  const counted = await Promise.all(
    reasons.map((reason) => gateway.metric('sallyport_auth_refused_total', `reason="${reason}"`)),
  );
  assert.deepEqual(counted, [8, 1, 1, 1]);
});

test('a proof is good once over two gateways on one Redis, and on each by itself without it', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const redis = await TestRedis.start(t);
  const provider = await TestProvider.start(t);
  const origin = 'https://api.example.com';
  const config = guarded(
    { issuers: ['main'] },
    {
      issuers: issuer(provider),
      dpop: { origins: [origin] },
      redis: { mode: 'single', nodes: [`127.0.0.1:${redis.port}`], keySecret: SECRET },
    },
  );
  const gateways = [await startGateway({ config }), await startGateway({ config })] as const;
  for (const gateway of gateways) t.after(() => gateway.stop());
  const [here, there] = gateways;
  const key = makeDpopKey();
  const url = `${provider.issuer}/token`;
  const first = makeDpopProof({
    key,
    method: 'POST',
    url,
    accessToken: '',
    nowMs: Date.now(),
    claims: { ath: undefined },
  });
  const form = { grant_type: 'client_credentials', scope: 'read', resource: provider.audience };
  const { access_token: token } = await provider.token(MACHINE, form, { dpop: first });
  const fields = (): Record<string, string> => ({
    authorization: `DPoP ${token}`,
    dpop: makeDpopProof({ key, method: 'POST', url: `${origin}/a`, accessToken: token, nowMs: Date.now() }),
  });
  const send = async (gateway: Gateway, headers: Record<string, string>): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.http}/a`, {
      method: 'POST',
      headers,
      body: 'x'.repeat(100_000),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  for (let i = 0; i < 10; i += 1) {
    const same = fields();
    const statuses = await Promise.all([send(here, same), send(there, same), send(here, same), send(there, same)]);
    assert.deepEqual(statuses.sort(), [200, 401, 401, 401]);
  }
  assert.equal(await here.metric('sallyport_replays_alone_total'), 0);
  await redis.kill();
  const alone = fields();
  assert.deepEqual([await send(here, alone), await send(here, alone)], [200, 401]);
  assert.equal(await here.metric('sallyport_replays_alone_total'), 1);
  assert.deepEqual(
    [...here.lines, ...there.lines].filter(({ level }) => Number(level) >= 50),
    [],
  );
});

test('threads are connected to Redis for proofs where tokens are taken, and not otherwise', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const redis = await TestRedis.start(t);
  const provider = await TestProvider.start(t);
  const node = { redis: { mode: 'single', nodes: [`127.0.0.1:${redis.port}`], keySecret: SECRET } };
  const connections = (): number => redis.ask('CLIENT', 'LIST').split('\n').length;
  const before = connections();
  const plain = await startGateway({ config: { ...guarded({}, node), threads: 3 } });
  t.after(() => plain.stop());
  await until('a connection', () => connections() > before);
  // The main thread's alone: there is nothing that three threads would each have.
  const main = connections() - before;
  assert.ok(main < 3, `${main} connections`);
  const config = { ...guarded({ issuers: ['main'] }, { ...node, issuers: issuer(provider) }), threads: 3 };
  assert.ok((await plain.reload(config)).ok);
  await until('a connection of each thread', () => connections() - before === main + 3);
});
