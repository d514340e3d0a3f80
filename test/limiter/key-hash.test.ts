import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { fuzzRun } from '../support/fuzz.ts';

const MASK = 0xffff_ffffn;

interface Variant {
  /** Per word, and at the end. */
  readonly rounds: readonly [number, number];
  readonly bits: 32 | 64;
}

/** HalfSipHash over any words, written from its definition. @returns  The high half is 0 for 32 bits. */
function reference(
  seed0: number,
  seed1: number,
  words: readonly number[],
  { rounds: [perWord, atEnd], bits }: Variant = { rounds: [1, 3], bits: 64 },
): [high: number, low: number] {
  const word = (n: number): bigint => BigInt(n >>> 0);
  const rotated = (v: bigint, by: bigint): bigint => ((v << by) | (v >> (32n - by))) & MASK;
  let [v0, v1, v2, v3] = [word(seed0), word(seed1) ^ 0xeen, 0x6c796765n ^ word(seed0), 0x74656462n ^ word(seed1)];
  if (bits === 32) v1 ^= 0xeen;
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
    for (let i = 0; i < perWord; i += 1) round();
    v0 ^= word(message);
  }
  v2 ^= bits === 32 ? 0xffn : 0xeen;
  for (let i = 0; i < atEnd; i += 1) round();
  const low = v1 ^ v3;
  if (bits === 32) return [0, Number(low & MASK) | 0];
  v1 ^= 0xddn;
  for (let i = 0; i < atEnd; i += 1) round();
  return [Number((v1 ^ v3) & MASK) | 0, Number(low & MASK) | 0];
}

/** What KeyHash feeds, as its description says. */
function wordsOf(text: string, salt: number): number[] {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const isLatin1 = units.every((unit) => unit < 256);
  const [perWord, bits] = isLatin1 ? [4, 8] : [2, 16];
  const packed = (some: readonly number[]): number => some.reduce((sum, unit, i) => sum + unit * 2 ** (i * bits), 0);
  const words = [salt];
  for (let i = 0; i + perWord <= units.length; i += perWord) words.push(packed(units.slice(i, i + perWord)));
  if (isLatin1) words.push(packed(units.slice(-3)) + (units.length % 128) * 2 ** 24);
  else
    words.push(packed(units.length % 2 === 1 ? units.slice(-1) : []) + (2 ** 15 + (units.length % 2 ** 15)) * 2 ** 16);
  return words;
}

/** A message of bytes as HalfSipHash takes it. */
function wordsOfBytes(bytes: readonly number[]): number[] {
  const padded = [...bytes, ...new Array<number>(3 - (bytes.length % 4)).fill(0), bytes.length];
  return Array.from({ length: padded.length / 4 }, (_, i) => Buffer.from(padded).readInt32LE(i * 4));
}

test('the definition gives the published values: key 0 to 7, messages 0, 1, 2 ... of 0 to 11 bytes, and of 63', () => {
  // Linux, lib/siphash_kunit.c, HalfSipHash-1-3 with 32 bits.
  const short = [
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
    0xc839caed, 0xe4fa32cf, 0x959246ee,
  ];
  for (const [length, value] of [...short.entries(), [63, 0x87178304] as const]) {
    const message = wordsOfBytes(Array.from({ length }, (_, i) => i));
    const [, low] = reference(0x03020100, 0x07060504, message, { rounds: [1, 3], bits: 32 });
    assert.equal(low >>> 0, value, `${length} bytes, 32 bits`);
  }
  // veorq/SipHash, vectors.h, HalfSipHash-2-4-64.
  const published: readonly (readonly [length: number, value: string])[] = [
    [0, '218d1f59b9b83cc8'],
    [1, 'be552412f8387315'],
    [2, '064f39ef7c50eb57'],
    [3, 'ce0f1a45f7060679'],
    [4, 'd5e78a175be52ea1'],
    [5, 'cb9d7c3f2f3db580'],
    [6, 'ce3e91358aa2bc25'],
    [7, 'ff202728b07bc684'],
    [8, 'edfee820bce4858c'],
    [9, '5b51cccc13888307'],
    [10, '95b0469f06a6f2ee'],
    [11, 'ae26333994ddcd48'],
    [63, '2ea63c71bf326087'],
  ];
  for (const [length, value] of published) {
    const message = wordsOfBytes(Array.from({ length }, (_, i) => i));
    const [high, low] = reference(0x03020100, 0x07060504, message, { rounds: [2, 4], bits: 64 });
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(low, 0);
    bytes.writeInt32LE(high, 4);
    assert.equal(bytes.toString('hex'), value, `${length} bytes`);
  }
});

test('equals its definition, for keys of any characters and length', () => {
  const narrow = ['', 'a', 'ab', 'abc', 'abcd', 'abcde', '203.0.113.77', '203.0.113.7', '\u0000', 'é\u00ff\u0080'];
  const wide = ['\u0100', 'aé☃', 'ab\u0000☃', 'abcd☃', '\ud800\udfff\ud800', '\uffff\uffff'];
  const long = ['x'.repeat(65_537), `${'x'.repeat(65_536)}\ud800`];
  for (const text of [...narrow, ...wide, ...long]) {
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

test('salts in turns, as policies of one request have them, give what each gives alone', () => {
  const hash = new KeyHash(3, 4);
  const texts = ['', 'abc', '203.0.113.77', 'ab\u0000☃'];
  for (let i = 0; i < 200; i += 1) {
    const text = texts[i % 4] as string;
    const salt = [0, 0, 7, -1, 7][i % 5] as number;
    hash.hash(text, salt);
    assert.deepEqual([hash.high, hash.low], reference(3, 4, wordsOf(text, salt)), `${i}`);
  }
});

test('no two texts are fed the same words', (t) => {
  const unit = fc.oneof(
    fc.constantFrom(0, 1, 0x61, 0x80, 0xff, 0x100, 0x8000, 0xd800, 0xffff),
    fc.integer({ min: 0, max: 0xffff }),
  );
  const text = fc.array(unit, { maxLength: 9 }).map((units) => String.fromCharCode(...units));
  const owners = new Map<string, string>();
  fc.assert(
    fc.property(text, (one) => {
      const words = wordsOf(one, 0).join();
      assert.equal(owners.get(words) ?? one, one);
      owners.set(words, one);
    }),
    fuzzRun(t, 50_000),
  );
  // Lengths that agree in all bits that the last word keeps.
  for (const [length, more] of [
    [4, 128],
    [7, 1_280],
  ] as const) {
    const hash = new KeyHash(1, 2);
    hash.hash('x'.repeat(length), 0);
    const { high, low } = hash;
    hash.hash('x'.repeat(length + more), 0);
    assert.notDeepEqual([hash.high, hash.low], [high, low]);
  }
});

test('keys that follow each other spread evenly over buckets', (t) => {
  const hash = new KeyHash(0x1234_5678, 0x0bad_cafe);
  for (const [name, keyOf] of [
    ['addresses', (i: number) => `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`],
    ['numbers', (i: number) => String(i)],
    ['zeros', (i: number) => '\u0000'.repeat(i % 4_096)],
    ['hearts', (i: number) => `♥${i}`],
  ] as const) {
    const keys = name === 'zeros' ? 4_096 : 262_144;
    const buckets = 256;
    for (const half of ['high', 'low'] as const) {
      for (const shift of [0, 24]) {
        const counts = new Array<number>(buckets).fill(0);
        for (let i = 0; i < keys; i += 1) {
          hash.hash(keyOf(i), 9);
          const bucket = (hash[half] >>> shift) & 255;
          counts[bucket] = (counts[bucket] as number) + 1;
        }
        const expected = keys / buckets;
        const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
        t.diagnostic(`${name}, ${half} >>> ${shift}: chi-square ${chiSquare.toFixed(0)} of 255 degrees of freedom`);
        // Chance exceeds 390 once in ten million.
        assert.ok(chiSquare < 390, `${name} ${half} ${shift}: ${chiSquare}`);
      }
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
