import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KnownHeaders } from '../../src/auth/known-headers.ts';
import { parseStrictObject } from '../../src/auth/strict-json.ts';
import { KNOWN_HEADER_LENGTH_MAX, KNOWN_HEADERS_MAX } from '../../src/limits.ts';
import { base64url, goodClaims, issuerWith, keyFor, NOW_MS, newJudge, newSigner, signToken } from './support.ts';

const signer = newSigner('HS256');
const issuer = issuerWith([keyFor(signer)], { algorithms: ['HS256'], tokenBytesMax: 65_536 });

describe('known headers', () => {
  test('are found by their whole text alone', () => {
    const known = new KnownHeaders();
    const members = { alg: 'HS256' };
    known.add('eyJh.', members);
    assert.equal(known.find('eyJh.eyJi.c2ln', 4), members);
    for (const [token, end] of [
      ['eyJ.eyJi.c2ln', 3],
      ['eyJhe.eyJi.c2ln', 5],
      ['eyJi.eyJi.c2ln', 4],
      ['EyJh.eyJi.c2ln', 4],
      ['eyJ', 4],
      ['', 4],
    ] as const) {
      assert.equal(known.find(token, end), null, token);
    }
  });

  test('are bounded: the first goes first, and long ones are not kept', () => {
    const known = new KnownHeaders();
    const textOf = (n: number): string => `${base64url(`${n}`.padStart(6))}.`;
    for (let n = 0; n <= KNOWN_HEADERS_MAX; n += 1) known.add(textOf(n), { n });
    assert.equal(known.find(textOf(0), 8), null);
    for (let n = 1; n <= KNOWN_HEADERS_MAX; n += 1) assert.deepEqual(known.find(textOf(n), 8), { n });
    const long = `${'a'.repeat(KNOWN_HEADER_LENGTH_MAX)}.`;
    known.add(long, {});
    assert.equal(known.find(long, KNOWN_HEADER_LENGTH_MAX), null);
  });

  test('change no verdict: every change of one character is judged as by a judge that knows none', () => {
    const good = signToken(signer, goodClaims());
    const taught = newJudge();
    assert.equal(taught.judge(good, [issuer], NOW_MS).kind, 'known');
    let looked = 0;
    let refused = 0;
    for (let at = 0; at < good.length; at += 1) {
      for (const character of ['A', 'z', '_', '.', '=', 'é', '']) {
        const token = good.slice(0, at) + character + good.slice(at + 1);
        const judged = taught.judge(token, [issuer], NOW_MS);
        assert.deepEqual(judged, newJudge().judge(token, [issuer], NOW_MS), token);
        looked += 1;
        if (judged.kind === 'refused') refused += 1;
      }
    }
    assert.equal(looked, good.length * 7);
    // Some characters are replaced with themselves.
    assert.ok(refused > good.length * 6, `${refused}`);
  });

  test('of several keys and shapes come and go without a mistake', () => {
    const judge = newJudge(undefined, 4_096);
    for (let n = 0; n < 20 * KNOWN_HEADERS_MAX; n += 1) {
      const header = { alg: 'HS256', kid: 'HS256', n: n % (KNOWN_HEADERS_MAX + 3) };
      const token = signToken(signer, goodClaims({ sub: `${n}` }), header);
      const judged = judge.judge(token, [issuer], NOW_MS);
      assert.ok(judged.kind === 'known');
      assert.equal(judged.identity.subject, `${n}`);
      // The same header with a signature that is not its own.
      const forged = signToken(newSigner('HS256'), goodClaims({ sub: 'eve' }), header);
      assert.equal(judge.judge(forged, [issuer], NOW_MS).kind, 'refused');
      const critical = signToken(signer, goodClaims(), { ...header, crit: ['n'] });
      assert.deepEqual(judge.judge(critical, [issuer], NOW_MS), newJudge().judge(critical, [issuer], NOW_MS));
    }
    assert.equal(judge.verifications, 40 * KNOWN_HEADERS_MAX);
  });
});

test('tokens longer and shorter than the memory they are read in are told apart', () => {
  const judge = newJudge();
  for (const length of [20_000, 0, 5_000, 6_100, 6_200, 40_000, 10]) {
    const token = signToken(signer, goodClaims({ sub: `${length}`, filling: 'f'.repeat(length) }));
    const judged = judge.judge(token, [issuer], NOW_MS);
    assert.ok(judged.kind === 'known');
    assert.equal(judged.identity.subject, `${length}`);
    assert.equal((judged.identity.claims.filling as string).length, length);
    const cut = token.slice(0, -1);
    assert.equal(judge.judge(cut, [issuer], NOW_MS).kind, 'refused');
  }
});

test('objects have no prototype at any depth, and arrays keep theirs', () => {
  const text = '{"a":{"__proto__":{"b":1},"c":[{"d":{}},[{"e":[]}]]},"__proto__":[{"f":{}}],"g":null}';
  const members = parseStrictObject(Buffer.from(text), 8);
  assert.ok(typeof members !== 'string');
  let objects = 0;
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    assert.equal(Object.getPrototypeOf(value), Array.isArray(value) ? Array.prototype : null);
    if (!Array.isArray(value)) objects += 1;
    for (const name of Object.keys(value)) look((value as Record<string, unknown>)[name]);
  };
  look(members);
  assert.equal(objects, 8);
  assert.equal(JSON.stringify(members), text);
});
