import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerRules, readAnswer } from '../../src/auth/introspection-answer.ts';
import { fuzzRun } from '../support/fuzz.ts';

const NOW_MS = 1_000_000_000;
const NOW = NOW_MS / 1_000;
const RULES = answerRules({
  name: 'main',
  url: 'http://127.0.0.1:9/',
  clientId: 'gateway',
  clientSecret: 'secret',
  method: 'client_secret_basic',
  audiences: ['api'],
  issuer: 'https://id.test',
  scopeClaim: 'scope',
  timeoutMs: 1_000,
  cacheMs: 0,
  negativeCacheMs: 0,
  cacheMax: 16,
  connectionsMax: 1,
});

const judge = (text: string | Buffer) => readAnswer(Buffer.from(text), RULES, NOW_MS);
const kindOf = (text: string): string => {
  const judged = judge(text);
  return judged.kind === 'refused' ? judged.reason : judged.kind;
};
const GOOD = { active: true, aud: 'api', iss: 'https://id.test', sub: 'ann', exp: NOW + 1 };

/** What makes a good answer another one, and what it is then. */
const CHANGES: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{}, 'known'],
  [{ active: false }, 'inactive'],
  [{ active: 1 }, 'unusable'],
  [{ active: 'true' }, 'unusable'],
  [{ active: undefined }, 'unusable'],
  [{ aud: undefined }, 'audience'],
  [{ aud: [] }, 'audience'],
  [{ aud: ['other', 'api'] }, 'known'],
  [{ aud: ['api', 1] }, 'claims'],
  [{ aud: { api: true } }, 'claims'],
  [{ aud: 'API' }, 'audience'],
  [{ iss: undefined }, 'issuer'],
  [{ iss: 'https://id.test/' }, 'issuer'],
  [{ iss: ['https://id.test'] }, 'claims'],
  [{ exp: NOW }, 'expired'],
  [{ exp: undefined }, 'known'],
  [{ exp: String(NOW + 1) }, 'claims'],
  [{ exp: null }, 'claims'],
  [{ nbf: NOW + 31 }, 'not-yet-valid'],
  [{ nbf: NOW + 30 }, 'known'],
  [{ iat: NOW + 31 }, 'issued-in-future'],
  [{ token_type: 'refresh_token' }, 'type'],
  [{ token_use: 'refresh_token' }, 'type'],
  [{ typ: 'Offline' }, 'type'],
  [{ typ: 'ID' }, 'type'],
  [{ token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'type'],
  [{ token_type: 'Bearer', token_use: 'access_token' }, 'known'],
  [{ token_type: 7 }, 'claims'],
  [{ sub: 7 }, 'claims'],
  [{ username: {} }, 'claims'],
  [{ scope: 'read "write' }, 'claims'],
  [{ scope: ['read write'] }, 'claims'],
  [{ cnf: null }, 'claims'],
  [{ cnf: {} }, 'claims'],
  [{ cnf: { 'x5t#S256': 'x'.repeat(43) } }, 'claims'],
  [{ cnf: { jkt: 'x'.repeat(43), 'x5t#S256': 'x'.repeat(43) } }, 'claims'],
  [{ cnf: { jkt: 'x'.repeat(43) } }, 'known'],
];

test('what of an answer counts', () => {
  assert.equal(CHANGES.length, 37);
  for (const [change, expected] of CHANGES) {
    assert.equal(kindOf(JSON.stringify({ ...GOOD, ...change })), expected, JSON.stringify(change));
  }
});

test('answers that two readers understand differently say nothing', () => {
  const good = JSON.stringify(GOOD);
  assert.equal(kindOf(good), 'known');
  for (const text of [
    good.replace('{', '{"active":false,'),
    good.replace('{', '{"\\u0061ctive":false,'),
    `\ufeff${good}`,
    `[${good}]`,
    `${good}${good}`,
    '',
    'true',
    `{"active":true,"a":${'['.repeat(100)}${']'.repeat(100)}}`,
  ]) {
    assert.equal(kindOf(text), 'unusable', text);
  }
  assert.equal(
    judge(Buffer.concat([Buffer.from('{"active":true,"a":"'), Buffer.of(0xff), Buffer.from('"}')])).kind,
    'unusable',
  );
});

test('claims named like parts of objects are claims, and nothing else', () => {
  const judged = judge('{"active":true,"aud":"api","iss":"https://id.test","__proto__":{"sub":"eve"},"constructor":1}');
  assert.ok(judged.kind === 'known');
  assert.equal(judged.identity.subject, '');
  assert.equal(Object.getPrototypeOf(judged.identity.claims), null);
  assert.ok(!Object.hasOwn(judged.identity.claims, 'active'));
});

test('whatever is answered, nobody is let in whom a plain reading does not let in', (t) => {
  const near = fc.oneof(
    fc.constantFrom(true, false, 'api', 'other', 'https://id.test', NOW - 1, NOW + 60, null, 'Bearer', ['api']),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const names = ['active', 'aud', 'iss', 'exp', 'nbf', 'sub', 'scope', 'cnf', 'token_type', '__proto__'];
  const changed = fc
    .dictionary(fc.constantFrom(...names), near)
    .map((change) => JSON.stringify({ ...GOOD, ...change }));
  let known = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: changed }, { weight: 1, arbitrary: fc.json() }), (text) => {
      const judged = judge(text);
      if (judged.kind !== 'known') return;
      known += 1;
      const plain = JSON.parse(text);
      assert.equal(plain.active, true);
      assert.equal(plain.iss, 'https://id.test');
      assert.ok([plain.aud].flat().includes('api'));
      assert.ok(plain.exp === undefined || plain.exp > NOW);
      assert.ok(plain.cnf === undefined || plain.cnf.jkt.length === 43);
    }),
    fuzzRun(t, 5_000),
  );
  t.diagnostic(`${known} let in`);
  assert.ok(known > 0);
});
