import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, MINIMAL } from './support.ts';

const ISSUER = 'issuers: { main: { issuer: "https://id.test", audiences: [a]';

test('what a challenge tells fits between its quotes', () => {
  for (const [policy, path] of [
    ['scopes: { all: ["a\\"b"] }', 'scopes.all[0]'],
    ['scopes: { any: ["a b"] }', 'scopes.any[0]'],
    ['rules: [{ methods: [POST], scopes: { all: ["a\\r\\nx-evil: 1"] } }]', 'rules[0].scopes.all[0]'],
    ['stepUp: { acr: ["high\\\\"] }', 'stepUp.acr[0]'],
  ] as const) {
    const text = `${MINIMAL}    policies: { auth: { issuers: [main], ${policy} } }\n${ISSUER} } }\n`;
    assert.throws(
      () => load(text),
      (error: Error) => error.message.includes(`policies.auth.${path}`) && error.message.includes('without blanks'),
      policy,
    );
  }
  const good = 'scopes: { all: ["https://api.test/read:all"] }, stepUp: { acr: ["urn:example:high"] }';
  load(`${MINIMAL}    policies: { auth: { issuers: [main], ${good} } }\n${ISSUER} } }\n`);
});

test('a type that no token could have is none to accept', () => {
  const withTypes = (types: string) =>
    load(`${MINIMAL}    policies: { auth: { issuers: [main] } }\n${ISSUER}, types: [${types}] } }\n`);
  for (const type of ['"at jwt"', 'application/', '"é"']) {
    assert.throws(() => withTypes(`at+jwt, ${type}`), /issuers\.main\.types\[1\].*a type such as at\+jwt/s, type);
  }
  assert.deepEqual(withTypes('at+jwt, application/at+jwt').config.issuers.main?.types, [
    'at+jwt',
    'application/at+jwt',
  ]);
});
