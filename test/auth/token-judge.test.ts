import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALGORITHMS } from '../../src/auth/algorithms.ts';
import { goodClaims, issuerWith, keyFor, NOW, NOW_MS, newJudge, newSigner, signToken } from './support.ts';

describe('a good token', () => {
  for (const alg of ALGORITHMS) {
    test(`by ${alg} is let in`, () => {
      const signer = newSigner(alg);
      const issuer = issuerWith([keyFor(signer)], { algorithms: [alg] });
      const judge = newJudge();
      const token = signToken(signer, goodClaims({ client_id: 'app', jti: 't1', scope: 'read write' }));
      const judged = judge.judge(token, [issuer], NOW_MS);
      assert.equal(judged.kind, 'known', JSON.stringify(judged));
      assert.ok(judged.kind === 'known');
      const { claims, ...rest } = judged.identity;
      assert.deepEqual(rest, {
        kind: 'jwt',
        issuer: 'main',
        subject: 'alice',
        client: 'app',
        tokenId: 't1',
        scopes: ['read', 'write'],
        issuedAtMs: (NOW - 10) * 1_000,
        expiresAtMs: (NOW + 300) * 1_000,
        keyThumbprint: '',
        rateLimit: '',
      });
      assert.equal(claims.sub, 'alice');
      assert.equal(judge.judge(token, [issuer], NOW_MS + 1), judged);
      assert.equal(judge.verifications, 1);
    });
  }
});

describe('scopes', () => {
  const signer = newSigner('ES256');
  const scopesOf = (scopeClaim: string, claims: Record<string, unknown>): readonly string[] | string => {
    const issuer = issuerWith([keyFor(signer)], { algorithms: ['ES256'], scopeClaim });
    const judged = newJudge().judge(signToken(signer, goodClaims(claims)), [issuer], NOW_MS);
    return judged.kind === 'known' ? judged.identity.scopes : judged.kind === 'refused' ? judged.reason : judged.kind;
  };

  test('are where the issuer has them: scope, scp, or a claim that is named', () => {
    assert.deepEqual(scopesOf('', { scope: 'a b', scp: ['c'] }), ['a', 'b']);
    assert.deepEqual(scopesOf('', { scp: ['c'] }), ['c']);
    assert.deepEqual(scopesOf('permissions', { scope: 'a', permissions: ['d'] }), ['d']);
    assert.deepEqual(scopesOf('permissions', { scope: 'a' }), []);
  });

  test('may be within an object, as other claims', () => {
    const realm_access = { roles: ['admin', 'user'] };
    assert.deepEqual(scopesOf('realm_access.roles', { scope: 'a', realm_access }), ['admin', 'user']);
    assert.deepEqual(scopesOf('realm_access.roles', { realm_access, 'realm_access.roles': 'e' }), ['e']);
    assert.deepEqual(scopesOf('realm_access.none', { realm_access }), []);
    assert.equal(scopesOf('realm_access.roles', { realm_access: { roles: [1] } }), 'claims');
  });
});
