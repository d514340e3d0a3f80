import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simpleConfig, startGateway } from '../support/gateway.ts';
import { CLIENT_SECRET, MACHINE, TestProvider } from '../support/oidc-provider.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const PATH = '/token/introspection';

test('opaque tokens of a real provider: through, once asked about, revoked, and while it is down', async (t) => {
  const provider = await TestProvider.start(t);
  const upstream = await startRecordingUpstream();
  t.after(() => upstream.close());
  const server = {
    url: provider.introspectionUrl,
    clientId: MACHINE,
    clientSecret: CLIENT_SECRET,
    audiences: [provider.opaqueAudience],
    issuer: provider.issuer,
    cacheMs: 4_000,
    negativeCacheMs: 60_000,
  };
  const auth = { introspection: 'main', scopes: { all: ['read'] } };
  const gateway = await startGateway({
    config: simpleConfig(upstream.port, {
      threads: 1,
      introspection: { main: server },
      routes: [{ name: 'all', upstream: 'main', policies: { auth } }],
    }),
  });
  t.after(() => gateway.stop());
  const ask = async (token: string): Promise<Response> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.http}/x`, { headers: { authorization: `Bearer ${token}` } });
    await answer.arrayBuffer();
    return answer;
  };
  const good = await provider.machineOpaqueToken('read');
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(good)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(provider.requests(PATH), 1);
  assert.equal(upstream.requests.length, 200);

  assert.equal((await ask('made-up')).status, 401);
  assert.equal((await ask('made-up')).status, 401);
  assert.equal(provider.requests(PATH), 2);
  assert.equal((await ask('with,comma')).status, 401);
  assert.equal((await ask(await provider.machineOpaqueToken('write'))).status, 403);
  assert.equal(provider.requests(PATH), 3);

  await provider.revoke(good);
  await until('the revoked token to be refused', async () => (await ask(good)).status === 401, 20_000, 100);

  const kept = await provider.machineOpaqueToken('read');
  assert.equal((await ask(kept)).status, 200);
  await provider.close();
  assert.equal((await ask(kept)).status, 200);
  const refused = await ask('never-seen');
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  await provider.listen();
  await until('new tokens again', async () => (await ask(await provider.machineOpaqueToken('read'))).status === 200);
  assert.ok(!gateway.text().includes(good) && !gateway.text().includes(CLIENT_SECRET));
});
