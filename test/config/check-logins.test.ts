import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './support.ts';

test('a session cookie that other hosts may set is warned of', () => {
  const warningsFor = (more: string) =>
    load(`
upstreams: { api: { targets: [{ url: "http://127.0.0.1:1" }] } }
logins: { a: { issuer: "https://id.test", clientId: web, keys: [a-secret-that-is-long-enough-0000000001]${more} } }
routes: [{ name: all, upstream: api, policies: { auth: { login: a } } }]
`).warnings.map(({ path, found }) => `${path}: ${found}`);
  assert.deepEqual(warningsFor(''), []);
  assert.deepEqual(warningsFor(', cookieName: plain'), [
    'logins.a.cookieName: does not begin with __Host-: other hosts of the domain can put a session of theirs into browsers',
  ]);
});
