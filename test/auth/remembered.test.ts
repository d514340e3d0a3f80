import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenJudge } from '../../src/auth/token-judge.ts';
import { keyOfJwk } from '../../src/auth/verification-key.ts';
import type { Identity, Judged } from '../../src/identity.ts';
import {
  FixedKeys,
  goodClaims,
  issuerWith,
  keyFor,
  made,
  NOW,
  NOW_MS,
  newJudge,
  newSigner,
  signToken,
} from './support.ts';

const signer = newSigner('RS256');
const ed = newSigner('EdDSA');
const reasonOf = (judged: Judged): string => (judged.kind === 'refused' ? judged.reason : judged.kind);

describe('a remembered token', () => {
  test('is not verified again, and gives the same identity', () => {
    const issuer = issuerWith([keyFor(signer)]);
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    const first = judge.judge(token, [issuer], NOW_MS);
    for (let i = 1; i <= 100; i += 1) {
      assert.equal(judge.judge(Buffer.from(token).toString(), [issuer], NOW_MS + i), first);
    }
    assert.equal(judge.verifications, 1);
    assert.equal(judge.remembered.count, 1);
  });

  test('expires at exp and leeway, to the millisecond', () => {
    const issuer = issuerWith([keyFor(signer)], { leewaySeconds: 5 });
    const judge = newJudge();
    const token = signToken(signer, goodClaims({ exp: NOW + 10 }));
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(judge.judge(token, [issuer], NOW_MS + 14_999).kind, 'known');
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS + 15_000)), 'expired');
    assert.equal(judge.remembered.count, 0);
    assert.equal(judge.verifications, 1);
  });

  test('does not hold before nbf and iat when the clock is set back', () => {
    const issuer = issuerWith([keyFor(signer)]);
    const judge = newJudge();
    const token = signToken(signer, goodClaims({ nbf: NOW - 5, iat: NOW - 10 }));
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(judge.judge(token, [issuer], NOW_MS - 5_000).kind, 'known');
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS - 5_001)), 'not-yet-valid');
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS - 10_001)), 'not-yet-valid');
  });

  test('ends when its key leaves the issuer, and lives on when others come and go', () => {
    const own = keyFor(signer);
    const keys = new FixedKeys([own]);
    const issuer = issuerWith(keys);
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    keys.replace([own, keyFor(newSigner('RS256', 'next'))]);
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(judge.verifications, 1, 'the key is the same');
    // The same material, made anew: verified again, once.
    keys.replace([keyFor(signer)]);
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(judge.verifications, 2);
    keys.replace([keyFor(newSigner('RS256', 'next'))]);
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS)), 'unknown-key');
    // Another key under the same name.
    keys.replace([keyFor(newSigner('RS256'))]);
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS)), 'signature');
    keys.replace([]);
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS)), 'unknown-key');
    assert.equal(judge.remembered.count, 0);
  });

  test('ends when the keys of its issuer are too old to be used', () => {
    const keys = new FixedKeys([keyFor(signer)]);
    const issuer = issuerWith(keys);
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    keys.state = 'unavailable';
    keys.version += 1;
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS)), 'keys-unavailable');
    keys.state = 'ready';
    keys.version += 1;
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
  });

  test('ends when it is revoked, at once, and the question is put at every request', () => {
    const issuer = issuerWith([keyFor(signer)]);
    const revoked = new Set<string>();
    const asked: string[] = [];
    const judge = newJudge((identity: Identity) => {
      asked.push(identity.tokenId);
      return revoked.has(identity.tokenId);
    });
    const token = signToken(signer, goodClaims({ jti: 'one' }));
    const other = signToken(signer, goodClaims({ jti: 'two' }));
    for (const each of [token, other, token]) assert.equal(judge.judge(each, [issuer], NOW_MS).kind, 'known');
    revoked.add('one');
    assert.equal(reasonOf(judge.judge(token, [issuer], NOW_MS)), 'revoked');
    assert.equal(judge.judge(other, [issuer], NOW_MS).kind, 'known');
    assert.deepEqual(asked, ['one', 'two', 'one', 'one', 'two']);
    assert.equal(reasonOf(newJudge(() => true).judge(token, [issuer], NOW_MS)), 'revoked', 'never seen before');
  });

  test('of one issuer is not let in where only another is trusted', () => {
    const key = keyFor(signer);
    const issuer = issuerWith([key]);
    const other = issuerWith([key], { name: 'other', issuer: 'https://other.example' });
    // The same issuer, trusted for something else elsewhere.
    const narrower = issuerWith([key], { name: 'narrower', audiences: ['https://admin.example'] });
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    assert.equal(judge.judge(token, [issuer, other], NOW_MS).kind, 'known');
    assert.equal(reasonOf(judge.judge(token, [other], NOW_MS)), 'issuer');
    assert.equal(reasonOf(judge.judge(token, [narrower], NOW_MS)), 'audience');
    assert.equal(reasonOf(judge.judge(token, [], NOW_MS)), 'too-large');
    assert.equal(judge.judge(token, [other, issuer], NOW_MS).kind, 'known');
    assert.equal(judge.verifications, 1);
  });

  test('may be remembered by two configured issuers at once', () => {
    const key = keyFor(signer);
    const one = issuerWith([key]);
    const two = issuerWith([key], { name: 'two' });
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    for (const issuer of [one, two, one, two]) {
      const judged = judge.judge(token, [issuer], NOW_MS);
      assert.equal(judged.kind === 'known' && judged.identity.issuer, issuer.settings.name);
    }
    assert.equal(judge.verifications, 2);
    assert.equal(judge.remembered.count, 2);
  });

  test('is told from one that differs in a byte anywhere', () => {
    const issuer = issuerWith([keyFor(ed)], { algorithms: ['EdDSA'] });
    const judge = newJudge();
    const token = signToken(ed, goodClaims());
    assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'known');
    for (let i = 0; i < token.length; i += 1) {
      const other = `${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`;
      assert.equal(judge.judge(other, [issuer], NOW_MS).kind, 'refused', `byte ${i}`);
    }
  });
});

describe('tokens remembered', () => {
  const issuer = issuerWith([keyFor(ed)], { algorithms: ['EdDSA'] });
  const judgeOf = (rememberedTokensMax: number, rememberedBytesMax: number): TokenJudge =>
    new TokenJudge({ rememberedTokensMax, rememberedBytesMax, revoked: () => false });

  test('are bounded in number', () => {
    const judge = judgeOf(64, 16_777_216);
    for (let n = 0; n < 1_000; n += 1) {
      assert.equal(judge.judge(signToken(ed, goodClaims({ jti: `${n}` })), [issuer], NOW_MS + n).kind, 'known');
      assert.ok(judge.remembered.count <= 64);
    }
    assert.ok(judge.remembered.count > 48, `${judge.remembered.count}`);
  });

  test('are bounded in bytes, a long one pushing out many', () => {
    const judge = judgeOf(1_024, 100_000);
    for (let n = 0; n < 200; n += 1) {
      const note = n % 20 === 19 ? 'x'.repeat(8_000) : '';
      assert.equal(judge.judge(signToken(ed, goodClaims({ jti: `${n}`, note })), [issuer], NOW_MS + n).kind, 'known');
      assert.ok(judge.remembered.bytes <= 100_000, `${judge.remembered.bytes}`);
    }
    assert.ok(judge.remembered.count > 5);
    const none = judgeOf(1_024, 1_000);
    const token = signToken(ed, goodClaims());
    for (let n = 0; n < 3; n += 1) assert.equal(none.judge(token, [issuer], NOW_MS).kind, 'known');
    assert.equal(none.verifications, 3);
    assert.equal(none.remembered.bytes, 0);
  });

  test('leave nothing behind when all have expired and new ones come', () => {
    const judge = judgeOf(64, 16_777_216);
    for (let n = 0; n < 500; n += 1) {
      const nowMs = NOW_MS + n * 1_000;
      const claims = goodClaims({ jti: `${n}`, exp: NOW + n + 1 });
      assert.equal(judge.judge(signToken(ed, claims), [issuer], nowMs).kind, 'known');
    }
    assert.ok(judge.remembered.count <= 64);
  });

  test('keep the busy one of a slot while others pass by', () => {
    const judge = judgeOf(4, 16_777_216);
    const busy = signToken(ed, goodClaims({ jti: 'busy' }));
    judge.judge(busy, [issuer], NOW_MS);
    for (let n = 1; n <= 100; n += 1) {
      judge.judge(signToken(ed, goodClaims({ jti: `${n}` })), [issuer], NOW_MS + 2 * n);
      const before = judge.verifications;
      assert.equal(judge.judge(busy, [issuer], NOW_MS + 2 * n + 1).kind, 'known');
      assert.equal(judge.verifications, before);
    }
  });
});

test('keys of a token that names none: those that fit are tried, at most eight', () => {
  const options = { offloadMicros: Number.POSITIVE_INFINITY };
  const token = signToken(ed, goodClaims(), { alg: 'EdDSA' });
  const strangers = Array.from({ length: 8 }, (_, n) => keyFor(newSigner('EdDSA', `${n}`)));
  const own = made(keyOfJwk(ed.jwk, options));
  const judgeWith = (keys: readonly ReturnType<typeof keyFor>[]): [string, number] => {
    const judge = newJudge();
    const issuer = issuerWith(keys, { algorithms: ['EdDSA', 'RS256'] });
    return [reasonOf(judge.judge(token, [issuer], NOW_MS)), judge.verifications];
  };
  const rsa = keyFor(signer);
  assert.deepEqual(judgeWith([rsa, rsa, ...strangers.slice(0, 7), own]), ['known', 8]);
  assert.deepEqual(judgeWith([...strangers, own]), ['signature', 8]);
  assert.deepEqual(judgeWith([rsa]), ['algorithm', 0]);
  assert.deepEqual(judgeWith([]), ['unknown-key', 0]);
});
