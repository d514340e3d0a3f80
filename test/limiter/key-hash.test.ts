import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyHash } from '../../src/limiter/key-hash.ts';

const MASK = 0xffff_ffffn;

/** HalfSipHash-2-4 with 64 bits of output, over the words that KeyHash feeds, written from its definition. */
function reference(seed0: number, seed1: number, words: readonly number[]): [high: number, low: number] {
  const word = (n: number): bigint => BigInt(n >>> 0);
  const rotated = (v: bigint, by: bigint): bigint => ((v << by) | (v >> (32n - by))) & MASK;
  let [v0, v1, v2, v3] = [word(seed0), word(seed1) ^ 0xeen, 0x6c796765n ^ word(seed0), 0x74656462n ^ word(seed1)];
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v1 = rotated(v1, 5n) ^ v0;
    v0 = rotated(v0, 16n);
    v2 = (v2 + v3) & MASK;
    v3 = rotated(v3, 8n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotated(v3, 7n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotated(v1, 13n) ^ v2;
    v2 = rotated(v2, 16n);
  };
  for (const message of words) {
    v3 ^= word(message);
    round();
    round();
    v0 ^= word(message);
  }
  v2 ^= 0xeen;
  for (let i = 0; i < 4; i += 1) round();
  const low = v1 ^ v3;
  v1 ^= 0xddn;
  for (let i = 0; i < 4; i += 1) round();
  return [Number((v1 ^ v3) & MASK) | 0, Number(low & MASK) | 0];
}

function wordsOf(text: string, salt: number): number[] {
  const words = [salt];
  for (let i = 0; i + 1 < text.length; i += 2) words.push(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
  words.push((text.length % 2 === 1 ? text.charCodeAt(text.length - 1) : 0) | (text.length << 16));
  return words;
}

test('equals its definition, for keys of any characters and length', () => {
  for (const text of ['', 'a', 'ab', '203.0.113.77', '\u0000', '\ud800\udfff\ud800', 'é☃', 'x'.repeat(65_537)]) {
    for (const [seed0, seed1, salt] of [
      [0, 0, 0],
      [0x01020304, -1, 77],
      [0x7fffffff, -0x80000000, -5],
    ] as const) {
      const hash = new KeyHash(seed0, seed1);
      hash.hash(text, salt);
      assert.deepEqual(
        [hash.high, hash.low],
        reference(seed0, seed1, wordsOf(text, salt)),
        JSON.stringify(text.slice(0, 9)),
      );
    }
  }
});

test('a million keys leave no two with one id, and the seed decides', () => {
  const hash = new KeyHash(5, 6);
  const other = new KeyHash(5, 7);
  const seen = new Set<string>();
  for (let i = 0; i < 1_000_000; i += 1) {
    hash.hash(`10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`, 1);
    seen.add(`${hash.high} ${hash.low}`);
  }
  assert.equal(seen.size, 1_000_000);
  hash.hash('key', 1);
  other.hash('key', 1);
  assert.notDeepEqual([hash.high, hash.low], [other.high, other.low]);
});
