import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  CLIENT_SECRET,
  CODE_ACR,
  MACHINE,
  makeKey,
  PASSWORD_ACR,
  SIGNING_ALGORITHMS,
  TestProvider,
  WEB,
} from './oidc-provider.ts';

interface Token {
  readonly head: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
}

describe('the OpenID provider of the tests', () => {
  it('publishes its keys and signs access tokens of machines with them', async (t) => {
    const provider = await TestProvider.start(t);
    const metadata = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    assert.equal(metadata.issuer, provider.issuer);
    const { head, claims } = await read(provider, await provider.machineToken('read'));
    assert.deepEqual([head.typ, head.kid, head.alg], ['at+jwt', 'first', 'ES256']);
    const { iss, aud, client_id: client, sub, scope } = claims;
    assert.deepEqual([iss, aud, client, sub, scope], [provider.issuer, provider.audience, MACHINE, MACHINE, 'read']);
    assert.equal(provider.requests('/jwks'), 1);
  });

  it('signs with every algorithm, below a path, and with new keys after a rotation', async (t) => {
    for (const alg of SIGNING_ALGORITHMS) {
      const provider = await TestProvider.start(t, { path: '/tenant', keys: [makeKey('a', alg)], algorithm: alg });
      assert.equal((await read(provider, await provider.machineToken())).head.alg, alg);
      provider.replaceKeys([makeKey('b', alg)]);
      assert.equal((await read(provider, await provider.machineToken())).head.kid, 'b');
      await provider.close();
      await provider.listen();
      assert.equal((await read(provider, await provider.machineToken())).head.kid, 'b');
    }
  });

  it('logs people in, asks for a code where one is wanted, and tells how and when in the token', async (t) => {
    const provider = await TestProvider.start(t);
    const ann = provider.person('ann');
    const first = await ann.tokens();
    const before = await read(provider, first.access_token);
    assert.deepEqual([before.claims.sub, before.claims.acr, before.claims.amr], ['ann', PASSWORD_ACR, ['pwd']]);
    assert.equal(typeof before.claims.auth_time, 'number');
    await ann.tokens();
    assert.equal(ann.forms, 1, 'the session is kept');
    const second = await read(provider, (await ann.tokens({ acrValues: CODE_ACR })).access_token);
    assert.deepEqual([second.claims.acr, second.claims.amr], [CODE_ACR, ['pwd', 'otp']]);
    assert.equal(ann.forms, 2);
    const id = await read(provider, (await ann.tokens({ acrValues: CODE_ACR })).id_token ?? '');
    assert.deepEqual([id.claims.acr, id.claims.aud], [CODE_ACR, WEB]);
    await assert.rejects(ann.tokens({ maxAge: 0, acrValues: CODE_ACR, hasCode: false }), /Wrong password or code/);
  });

  it('tells about opaque tokens, until they are revoked', async (t) => {
    const provider = await TestProvider.start(t);
    const token = await provider.machineOpaqueToken('read write');
    assert.ok(!token.includes('.'));
    const ask = async () => {
      const response = await fetch(provider.introspectionUrl, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${MACHINE}:${CLIENT_SECRET}`).toString('base64')}` },
        body: new URLSearchParams({ token }),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    const answer = await ask();
    assert.deepEqual([answer.active, answer.scope, answer.client_id], [true, 'read write', MACHINE]);
    await provider.revoke(token);
    assert.deepEqual(await ask(), { active: false });
  });
});

/** Verified with what the provider publishes at the moment. */
async function read(provider: TestProvider, token: string): Promise<Token> {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const parsed = JSON.parse(Buffer.from(head, 'base64url').toString()) as Token['head'];
  const { keys } = (await (await fetch(`${provider.issuer}/jwks`, { headers: { connection: 'close' } })).json()) as {
    keys: Record<string, unknown>[];
  };
  const jwk = keys.find(({ kid }) => kid === parsed.kid);
  assert.ok(jwk !== undefined && jwk.d === undefined);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const alg = String(parsed.alg);
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const padding = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {};
  const data = Buffer.from(`${head}.${claims}`);
  const options = { key, dsaEncoding: 'ieee-p1363' as const, ...padding };
  assert.ok(verify(hash, data, options, Buffer.from(signature, 'base64url')));
  return { head: parsed, claims: JSON.parse(Buffer.from(claims, 'base64url').toString()) as Token['claims'] };
}
