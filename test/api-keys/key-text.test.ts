import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyedDigest } from '../../src/api-keys/digest.ts';
import { KEY_TEXT_LENGTH_MAX, KeyForm, RANDOM_LENGTH, randomDigits } from '../../src/api-keys/key-text.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const digits = fc.string({
  unit: fc.constantFrom(...BASE58),
  minLength: RANDOM_LENGTH,
  maxLength: RANDOM_LENGTH,
});
const environment = fc.stringMatching(/^[a-z0-9]{1,16}$/);

/** CRC-32 bit by bit, and base58 by division: slow, and written another way. */
function checksumOf(text: string): string {
  let crc = 0xffffffffn;
  for (const byte of Buffer.from(text)) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? 0xedb88320n : 0n);
  }
  let rest = crc ^ 0xffffffffn;
  let out = '';
  for (let i = 0; i < 6; i += 1) {
    out = BASE58[Number(rest % 58n)] + out;
    rest /= 58n;
  }
  return out;
}

test('a key has its form, whatever its environment and digits', () => {
  fc.assert(
    fc.property(environment, digits, (name, random) => {
      const form = new KeyForm(name);
      const text = form.text(random);
      assert.equal(text, `sp_${name}_${random}_${checksumOf(`sp_${name}_${random}`)}`);
      assert.match(text, /^sp_[a-z0-9]{1,16}_[1-9A-HJ-NP-Za-km-z]{32}_[1-9A-HJ-NP-Za-km-z]{6}$/);
      assert.ok(text.length === form.length && text.length <= KEY_TEXT_LENGTH_MAX);
      assert.equal(form.fault(text), null);
    }),
  );
});

test('the checksum is the CRC-32 that everybody has: its check value', () => {
  // 0xcbf43926 for "123456789" (IEEE 802.3); here as the reference of the tests, which keys are held to above.
  let rest = 0xcbf43926;
  let expected = '';
  for (let i = 0; i < 6; i += 1) {
    expected = BASE58[rest % 58] + expected;
    rest = Math.floor(rest / 58);
  }
  assert.equal(checksumOf('123456789'), expected);
});

test('any other character anywhere is found without a look-up', () => {
  const form = new KeyForm('live');
  let cases = 0;
  fc.assert(
    fc.property(digits, fc.nat(), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }), (random, at, other) => {
      const text = form.text(random);
      const index = at % text.length;
      if (text[index] === other) return;
      cases += 1;
      assert.notEqual(form.fault(text.slice(0, index) + other + text.slice(index + 1)), null);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(cases > 1_900);
});

test('what is wrong is told apart', () => {
  const form = new KeyForm('live');
  const random = BASE58.slice(0, RANDOM_LENGTH);
  const sound = form.text(random);
  const swapped = `${sound.slice(0, 9)}${sound[10]}${sound[9]}${sound.slice(11)}`;
  for (const [text, fault] of [
    ['', 'form'],
    ['sp_live_', 'form'],
    [`${sound} `, 'form'],
    [` ${sound}`, 'form'],
    [sound.slice(0, -1), 'form'],
    [sound.toUpperCase(), 'form'],
    [sound.replace('1', '0'), 'form'],
    [`${sound.slice(0, -7)}-${sound.slice(-6)}`, 'form'],
    [`${sound.slice(0, -1)}\u0131`, 'form'],
    ['x'.repeat(1_000_000), 'form'],
    [`sp_live_${'1'.repeat(1_000_000)}`, 'form'],
    [swapped, 'checksum'],
    [`${sound.slice(0, -6)}zzzzzz`, 'checksum'],
    [new KeyForm('test').text(random), 'environment'],
    [new KeyForm('liv').text(random), 'environment'],
    ['sp_test_', 'environment'],
  ] as const) {
    assert.equal(form.fault(text), fault, text.slice(0, 60));
  }
});

test('digits come evenly from random bytes, and never short of 32', () => {
  assert.equal(randomDigits(Buffer.alloc(31)), null);
  assert.equal(randomDigits(Buffer.alloc(100, 232)), null);
  assert.equal(randomDigits(Buffer.alloc(32, 231)), 'z'.repeat(32));
  const counts = new Map<string, number>();
  for (let i = 0; i < 2_000; i += 1) {
    for (const digit of randomDigits(randomBytes(64)) ?? assert.fail('64 bytes did not suffice')) {
      counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
  }
  assert.equal(counts.size, 58);
  const mean = 64_000 / 58;
  for (const [digit, count] of counts) assert.ok(Math.abs(count - mean) < mean / 4, `${digit}: ${count}`);
});

test('the digest is HMAC-SHA-256, for secrets of every length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.stringMatching(/^[!-~]{1,80}$/), (secret, text) => {
      const expected = createHmac('sha256', secret).update(text).digest('binary');
      const digest = new KeyedDigest(secret, text.length);
      assert.equal(digest.of(text), expected);
      assert.equal(digest.of(text), expected, 'nothing of a text stays');
    }),
  );
});
