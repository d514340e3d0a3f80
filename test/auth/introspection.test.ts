import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Introspection } from '../../src/auth/introspection.ts';
import { IntrospectionClient } from '../../src/auth/introspection-client.ts';
import type { Judged } from '../../src/identity.ts';

const json = (body: unknown) => (response: ServerResponse) =>
  void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
const seconds = Math.floor(Date.now() / 1_000);
const plain = (status: number, type: string) => (response: ServerResponse) =>
  void response.writeHead(status, { 'Content-Type': type, Location: '/elsewhere' }).end('{"active":true}');

const CASES: Readonly<Record<string, readonly [(response: ServerResponse) => void, string]>> = {
  good: [json({ active: true, sub: 'a', aud: 'api' }), 'known'],
  inactive: [json({ active: false }), 'inactive'],
  text: [json({ active: 'true', aud: 'api' }), 'introspection-unavailable'],
  expired: [json({ active: true, aud: 'api', exp: seconds - 1 }), 'expired'],
  audience: [json({ active: true, aud: 'other' }), 'audience'],
  refresh: [json({ active: true, aud: 'api', token_type: 'refresh_token' }), 'type'],
  certificate: [json({ active: true, aud: 'api', cnf: { 'x5t#S256': 'x' } }), 'claims'],
  html: [plain(200, 'text/html'), 'introspection-unavailable'],
  redirect: [plain(302, 'application/json'), 'introspection-unavailable'],
  broken: [plain(500, 'application/json'), 'introspection-unavailable'],
  jwt: [plain(400, 'application/json'), 'inactive'],
  huge: [json({ active: true, aud: 'api', more: 'x'.repeat(70_000) }), 'introspection-unavailable'],
  hanging: [() => undefined, 'introspection-unavailable'],
};

test('answers of every kind', async (t) => {
  let respond = CASES.good?.[0] as (response: ServerResponse) => void;
  const server = createServer((request, response) => request.resume().on('end', () => respond(response)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const settings = {
    name: 'main',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    clientId: 'gateway',
    clientSecret: 'secret',
    method: 'client_secret_basic' as const,
    audiences: ['api'],
    issuer: '',
    scopeClaim: 'scope',
    timeoutMs: 1_000,
    cacheMs: 60_000,
    negativeCacheMs: 60_000,
    cacheMax: 16,
    connectionsMax: 2,
  };
  const client = new IntrospectionClient(settings, []);
  t.after(() => client.close());
  const parts = { client, revoked: () => false, warn: () => {}, count: () => {}, nowMs: Date.now };
  const judge = new Introspection(settings, parts);
  const settled = async (token: string): Promise<Judged> => {
    const judged = judge.judge(token, Date.now());
    if (judged.kind !== 'wait') return judged;
    await new Promise<void>((resolve) => judged.wait(resolve));
    return judge.judge(token, Date.now());
  };
  assert.equal(Object.keys(CASES).length, 13);
  for (const [name, [answer, expected]] of Object.entries(CASES)) {
    respond = answer;
    const judged = await settled(name);
    assert.equal(judged.kind === 'refused' ? judged.reason : judged.kind, expected, name);
  }
});
