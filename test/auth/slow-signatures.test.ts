import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TokenJudge } from '../../src/auth/token-judge.ts';
import type { Judged } from '../../src/identity.ts';
import { SLOW_OUTCOMES_MAX, SLOW_VERIFICATIONS_MAX } from '../../src/limits.ts';
import { goodClaims, issuerWith, keyFor, NOW_MS, newJudge, newSigner, signToken } from './support.ts';

const signer = newSigner('ES512');
const stranger = newSigner('ES512');
const issuer = issuerWith([keyFor(signer, 0)], { algorithms: ['ES512'] });
const reasonOf = (judged: Judged): string => (judged.kind === 'refused' ? judged.reason : judged.kind);
const broken = (n: number): string => signToken({ ...stranger, kid: 'ES512' }, goodClaims({ jti: `${n}` }));

/** Judges until there is an answer; each wait must end. */
async function judgeOut(judge: TokenJudge, token: string): Promise<string> {
  for (let waits = 0; waits < 20; waits += 1) {
    const judged = judge.judge(token, [issuer], NOW_MS);
    if (judged.kind !== 'wait') return reasonOf(judged);
    await new Promise<void>((again) => judged.wait(again));
  }
  return 'waits for ever';
}

describe('slow verifications', () => {
  test('run beside the loop, and what comes of them is remembered', async () => {
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    const first = judge.judge(token, [issuer], NOW_MS);
    assert.ok(first.kind === 'wait');
    assert.equal(judge.underWay, 1);
    let calls = 0;
    await new Promise<void>((resolve) => {
      first.wait(() => {
        calls += 1;
        resolve();
      });
      assert.equal(calls, 0, 'never at once');
    });
    const known = judge.judge(token, [issuer], NOW_MS);
    assert.equal(known.kind, 'known');
    assert.equal(judge.judge(token, [issuer], NOW_MS), known);
    assert.deepEqual([judge.verifications, judge.underWay, judge.remembered.count, calls], [1, 0, 1, 1]);
  });

  test('happen once for a token that many bring at the same time', async () => {
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => judgeOut(judge, token)));
    assert.deepEqual(new Set(outcomes), new Set(['known']));
    assert.equal(judge.verifications, 1);
  });

  test('see their own token, whatever is read meanwhile', async () => {
    const judge = newJudge();
    const tokens = [0, 1, 2, 3].map((n) => signToken(signer, goodClaims({ sub: `${n}` })));
    const outcomes = [...tokens, broken(4), signToken(signer, goodClaims({ sub: '5' }))].map((token) =>
      judgeOut(judge, token),
    );
    assert.equal(judge.underWay, 6);
    assert.deepEqual(await Promise.all(outcomes), ['known', 'known', 'known', 'known', 'signature', 'known']);
  });

  test('of a wrong token cost once', async () => {
    const judge = newJudge();
    const token = broken(0);
    for (let i = 0; i < 5; i += 1) assert.equal(await judgeOut(judge, token), 'signature');
    assert.equal(judge.verifications, 1);
    assert.equal(judge.remembered.count, 0);
  });

  test('are bounded: past that, busy; and none is forgotten', async () => {
    const judge = newJudge();
    const waits: Promise<void>[] = [];
    for (let n = 0; n < SLOW_VERIFICATIONS_MAX; n += 1) {
      const judged = judge.judge(broken(n), [issuer], NOW_MS);
      assert.ok(judged.kind === 'wait');
      waits.push(new Promise((again) => judged.wait(again)));
    }
    const honest = signToken(signer, goodClaims());
    assert.equal(reasonOf(judge.judge(honest, [issuer], NOW_MS)), 'busy');
    assert.equal(judge.underWay, SLOW_VERIFICATIONS_MAX);
    await Promise.all(waits);
    assert.equal(judge.underWay, 0);
    assert.equal(await judgeOut(judge, honest), 'known');
    assert.equal(judge.verifications, SLOW_VERIFICATIONS_MAX + 1);
  });

  test('a wait taken up after the end is called back all the same', async () => {
    const judge = newJudge();
    const judged = judge.judge(broken(0), [issuer], NOW_MS);
    assert.ok(judged.kind === 'wait');
    await new Promise<void>((again) => judged.wait(again));
    let late = false;
    const called = new Promise<void>((resolve) => {
      judged.wait(() => {
        late = true;
        resolve();
      });
    });
    assert.equal(late, false);
    await called;
    assert.equal(late, true);
  });

  test('of tokens that say themselves that they are no good never start', () => {
    const judge = newJudge();
    const tokens = [
      signToken(signer, goodClaims({ exp: 1 })),
      signToken(signer, goodClaims({ aud: 'other' })),
      signToken(signer, goodClaims({ iss: 'other' })),
      signToken(signer, goodClaims(), { alg: 'ES512', kid: 'other' }),
      'x.y.z',
    ];
    for (const token of tokens) assert.equal(judge.judge(token, [issuer], NOW_MS).kind, 'refused');
    assert.equal(judge.verifications, 0);
  });

  test('of one key count nothing for another with the same name', async () => {
    const judge = newJudge();
    const token = signToken(signer, goodClaims());
    assert.equal(await judgeOut(judge, token), 'known');
    const [former] = issuer.keys.keys;
    issuer.keys.replace([keyFor({ ...stranger, jwk: { ...stranger.jwk, kid: 'ES512' } }, 0)]);
    assert.equal(await judgeOut(judge, token), 'signature');
    assert.ok(former !== undefined);
    issuer.keys.replace([former]);
    assert.equal(await judgeOut(judge, token), 'known');
    assert.equal(judge.verifications, 2);
  });

  test('more outcomes than are kept do no harm', async () => {
    const few = newSigner('EdDSA');
    const own = issuerWith([keyFor(few, 0)], { algorithms: ['EdDSA'] });
    const judge = newJudge();
    for (let n = 0; n < SLOW_OUTCOMES_MAX + 50; n += 1) {
      const judged = judge.judge(signToken(few, goodClaims({ jti: `${n}` })), [own], NOW_MS);
      assert.ok(judged.kind === 'wait');
      await new Promise<void>((again) => judged.wait(again));
      assert.equal(judge.judge(signToken(few, goodClaims({ jti: `${n}` })), [own], NOW_MS).kind, 'known');
    }
    assert.equal(judge.verifications, SLOW_OUTCOMES_MAX + 50);
  });
});

describe('keys that are not there yet', () => {
  const fast = newSigner('RS256');
  const token = signToken(fast, goodClaims());

  test('are waited for when there is something to wait for, else refused with its reason', () => {
    const own = issuerWith([]);
    const judge = newJudge();
    const waiting = { kind: 'wait', wait: () => {} } as const;
    const judgeOnce = (): Judged => judge.judge(token, [own], NOW_MS);
    own.keys.answer = waiting;
    assert.equal(judgeOnce(), waiting);
    own.keys.state = 'unavailable';
    assert.equal(judgeOnce(), waiting);
    own.keys.answer = null;
    assert.equal(reasonOf(judgeOnce()), 'keys-unavailable');
    own.keys.state = 'ready';
    assert.equal(reasonOf(judgeOnce()), 'unknown-key');
    assert.deepEqual(own.keys.asked, ['RS256', 'RS256', 'RS256', 'RS256']);
    own.keys.replace([keyFor(fast)]);
    assert.equal(judgeOnce().kind, 'known');
    assert.equal(own.keys.asked.length, 4, 'a key that fits asks for nothing');
  });

  test('a key changed under its name is asked for when a signature is wrong', () => {
    const own = issuerWith([keyFor(newSigner('RS256'))]);
    const judge = newJudge();
    own.keys.answer = { kind: 'wait', wait: () => {} };
    assert.equal(judge.judge(token, [own], NOW_MS).kind, 'wait');
    own.keys.replace([keyFor(fast)]);
    assert.equal(judge.judge(token, [own], NOW_MS).kind, 'known');
  });
});
