import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IntrospectionSettings } from '../../src/auth/introspection-settings.ts';
import { Introspectors } from '../../src/auth/introspectors.ts';
import type { IntrospectionConfig } from '../../src/config/schema-identity.ts';
import type { Judged } from '../../src/identity.ts';
import { IntrospectionServer } from '../support/introspection-server.ts';
import { until } from '../support/wait.ts';

const configOf = (url: string): IntrospectionConfig & Omit<IntrospectionSettings, 'name'> => ({
  url,
  clientId: 'gateway',
  clientSecret: 'secret',
  method: 'client_secret_basic',
  audiences: [],
  issuer: '',
  scopeClaim: 'scope',
  ca: '',
  timeoutMs: 60_000,
  cacheMs: 60_000,
  negativeCacheMs: 60_000,
  cacheMax: 16,
  connectionsMax: 2,
  requireDpop: false,
});

test('an end calls back whoever waits for any server, one that a reload retired too', async (t) => {
  const server = await IntrospectionServer.start(t);
  server.answer = () => null;
  const servers = new Introspectors({ revoked: () => false, warn: () => {}, count: () => {}, nowMs: Date.now });
  const calledBack: string[] = [];
  const ask = (token: string) => {
    const judge = servers.find('main');
    const judged: Judged | undefined = judge?.judge(token, Date.now());
    assert.ok(judge && judged?.kind === 'wait');
    judged.wait(() => {
      const found = judge.judge(token, Date.now());
      calledBack.push(`${token} ${found.kind === 'refused' ? found.reason : found.kind}`);
    });
  };
  servers.use({ main: configOf(server.url) }, {});
  const first = servers.find('main');
  for (const token of ['a', 'b', 'c']) ask(token);
  servers.use({ main: configOf(server.url) }, {});
  assert.equal(servers.find('main'), first, 'unchanged');
  servers.use({ main: configOf(`${server.url}/other`) }, {});
  assert.notEqual(servers.find('main'), first);
  ask('d');
  servers.use({}, {});
  assert.equal(servers.find('main'), null);
  await until('three questions', () => server.questions.length === 3);
  servers.close();
  await until('everybody to be called back', () => calledBack.length === 4);
  assert.deepEqual(calledBack.sort(), [
    'a introspection-unavailable',
    'b introspection-unavailable',
    'c busy',
    'd introspection-unavailable',
  ]);
  await until('no connection', () => server.sockets.size === 0);
});

test('the same server under other authorities is another', () => {
  const servers = new Introspectors({ revoked: () => false, warn: () => {}, count: () => {}, nowMs: Date.now });
  const config = { main: configOf('https://127.0.0.1:9/') };
  servers.use(config, { main: ['one'] });
  const first = servers.find('main');
  servers.use(config, { main: ['one'] });
  assert.equal(servers.find('main'), first);
  servers.use(config, { main: ['two'] });
  assert.notEqual(servers.find('main'), first);
  servers.close();
});
