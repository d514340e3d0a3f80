import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { CODE_ACR, makeKey, PASSWORD_ACR, type SigningKey, TestProvider } from '../support/oidc-provider.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => reply.ok(JSON.stringify({ target: request.target })),
  });
});

after(async () => {
  await upstream.close();
});

const guarded = (provider: TestProvider, auth: ConfigDocument = {}, keys: ConfigDocument = {}): ConfigDocument => ({
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
  issuers: {
    main: {
      issuer: provider.issuer,
      audiences: [provider.audience],
      keys: { coolDownMs: 300, refreshMs: 60_000, timeoutMs: 2_000, ...keys },
    },
  },
  identity: { fields: [{ name: 'x-caller', from: 'client' }] },
  routes: [
    { name: 'open', paths: ['/open/*'], upstream: 'main' },
    { name: 'guarded', paths: ['/*'], upstream: 'main', policies: { auth: { issuers: ['main'], ...auth } } },
  ],
});

interface Told {
  readonly status: number;
  readonly challenge: string;
  readonly retryAfter: string | null;
}

async function ask(gateway: Gateway, token: string | null, path = '/a'): Promise<Told> {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://127.0.0.1:${gateway.http}${path}`, { headers });
  await answer.text();
  const challenge = answer.headers.get('www-authenticate') ?? '';
  return { status: answer.status, challenge, retryAfter: answer.headers.get('retry-after') };
}

test('tokens of a real provider: who has one gets through, and the upstream is told who calls', async (t) => {
  const provider = await TestProvider.start(t);
  const gateway = await startGateway({ config: guarded(provider, { scopes: { all: ['read'] } }) });
  t.after(() => gateway.stop());
  assert.deepEqual(await ask(gateway, await provider.machineToken('read')), {
    status: 200,
    challenge: '',
    retryAfter: null,
  });
  const [seen] = upstream.requests.slice(-1);
  assert.deepEqual(
    seen?.fields.filter(([name]) => name === 'x-caller'),
    [['x-caller', 'machine']],
  );
  assert.deepEqual(
    [
      await ask(gateway, null),
      await ask(gateway, 'x.y.z'),
      await ask(gateway, await provider.machineToken('write')),
    ].map(({ status, challenge }) => [status, challenge.split(',', 1)[0]]),
    [
      [401, 'Bearer'],
      [401, 'Bearer error="invalid_token"'],
      [403, 'Bearer error="insufficient_scope"'],
    ],
  );
  assert.equal((await ask(gateway, null, '/open/a')).status, 200);
  assert.equal(await gateway.metric('sallyport_auth_refused_total', 'reason="missing"'), 1);
  assert.equal(await gateway.metric('sallyport_auth_known_total', 'kind="jwt"'), 2);
});

test('a provider that is down at the start: its routes answer 503, the rest is served; then it is there', async (t) => {
  const provider = await TestProvider.start(t);
  const token = await provider.machineToken();
  await provider.close();
  const gateway = await startGateway({ config: guarded(provider) });
  t.after(() => gateway.stop());
  assert.deepEqual(await ask(gateway, token), { status: 503, challenge: '', retryAfter: '1' });
  assert.equal((await ask(gateway, null, '/open/a')).status, 200);
  await provider.listen();
  let asked = 0;
  await until('keys', async () => {
    asked += 1;
    return (await ask(gateway, token)).status === 200;
  });
  t.diagnostic(`served again at try ${asked}`);
  await provider.close();
  assert.equal((await ask(gateway, token)).status, 200, 'what was fetched stays');
});

test('keys change at the provider under load: no honest token is refused', async (t) => {
  const keys = Array.from({ length: 6 }, (_, round) => makeKey(`key-${round}`, 'ES256'));
  const provider = await TestProvider.start(t, { keys: keys.slice(0, 1) });
  const gateway = await startGateway({ config: guarded(provider) });
  t.after(() => gateway.stop());
  const tokens = [await provider.machineToken()];
  const load = startLoad({
    port: gateway.http,
    connections: 8,
    fields: (n) => `Authorization: Bearer ${tokens[n % tokens.length]}\r\n`,
  });
  for (let round = 1; round <= 5; round += 1) {
    await until('requests', () => load.sent() > round * 400);
    // Rotation as providers do it: the former keys stay published for a while, and the new one is unknown to us.
    provider.replaceKeys([keys[round] as SigningKey, keys[round - 1] as SigningKey]);
    tokens.push(await provider.machineToken());
    if (tokens.length > 2) tokens.shift();
  }
  await until('requests', () => load.sent() > 2_800);
  const result = await load.stop();
  t.diagnostic(`5 rotations: ${result.words}; ${provider.requests('/jwks')} fetches of keys`);
  assert.deepEqual(result.failures, []);
});

test('a storm of random kids: the provider hears of it once a cool-down, honest clients not at all', async (t) => {
  const provider = await TestProvider.start(t);
  const coolDownMs = 1_000;
  const gateway = await startGateway({ config: guarded(provider, {}, { coolDownMs }) });
  t.after(() => gateway.stop());
  const honest = await provider.machineToken();
  const [, payload = '', signature = ''] = honest.split('.');
  const forged = (n: number): string => {
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: `random-${n}` })).toString(
      'base64url',
    );
    return `${header}.${payload}.${signature}`;
  };
  await ask(gateway, honest);
  const callsBefore = provider.requests('/jwks');
  const startedAt = performance.now();
  const storm = startLoad({
    port: gateway.http,
    connections: 16,
    fields: (n) => `Authorization: Bearer ${forged(n)}\r\n`,
  });
  const polite = startLoad({
    port: gateway.http,
    connections: 2,
    fields: () => `Authorization: Bearer ${honest}\r\n`,
  });
  await until('the storm', () => performance.now() - startedAt > 4_000, 20_000);
  const [stormed, served] = await Promise.all([storm.stop(), polite.stop()]);
  const ms = performance.now() - startedAt;
  const calls = provider.requests('/jwks') - callsBefore;
  t.diagnostic(
    `${Math.round((stormed.sent / ms) * 1_000)} forged tokens a second for ${Math.round(ms)} ms: ${calls} calls`,
  );
  t.diagnostic(`honest: ${served.words}`);
  assert.deepEqual(served.failures, []);
  assert.equal(stormed.ok, 0);
  const told = new Set(stormed.failures.map(({ cause }) => cause));
  told.delete('status 401');
  told.delete('status 503');
  assert.deepEqual([...told], [], 'forged tokens are refused, nothing else');
  assert.ok(calls <= Math.ceil(ms / coolDownMs) + 1, `${calls} calls in ${ms} ms`);
});

test('step-up: who follows the challenge to the provider gets through, who does not never does', async (t) => {
  const provider = await TestProvider.start(t);
  const gateway = await startGateway({
    config: guarded(provider, { stepUp: { acr: [CODE_ACR], amr: ['otp'], maxAgeSeconds: 300 } }),
  });
  t.after(() => gateway.stop());
  const person = provider.person('ann');
  const first = await person.tokens({ acrValues: PASSWORD_ACR });
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(gateway, first.access_token)).status, 401);
  const { status, challenge } = await ask(gateway, first.access_token);
  assert.equal(status, 401);
  assert.match(challenge, /^Bearer error="insufficient_user_authentication"/);
  const wanted = /acr_values="([^"]*)"/.exec(challenge)?.[1] ?? '';
  assert.equal(wanted, CODE_ACR);
  assert.match(challenge, /max_age="300"/);
  const second = await person.tokens({ acrValues: wanted });
  assert.equal((await ask(gateway, second.access_token)).status, 200);
  assert.equal((await ask(gateway, first.access_token)).status, 401);
  const machine = await provider.machineToken();
  assert.equal((await ask(gateway, machine)).status, 401, 'a machine has no login to say anything of');
});
