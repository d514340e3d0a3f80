import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, formatIPv6, maskOf, parseAddress, parseRange } from '../../src/base/ip-address.ts';
import { fuzzRun } from '../support/fuzz.ts';

const canonical = (text: string) => {
  const words = parseAddress(text);
  return words === null ? null : formatAddress(words);
};

test('addresses have one canonical text (RFC 5952)', () => {
  const cases: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ];
  for (const [text, expected] of cases) assert.equal(canonical(text), expected, text);
  const mapped = parseAddress('::ffff:10.0.0.1');
  assert.ok(mapped);
  assert.equal(formatIPv6(mapped), '::ffff:10.0.0.1');
});

test('what is no plain address is none', () => {
  const bad = [
    '',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.256',
    '0x7f.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'unknown',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '::1\0',
    '٣.1.1.1',
    `${'0'.repeat(50)}::1`,
  ];
  for (const text of bad) assert.equal(parseAddress(text), null, JSON.stringify(text));
});

test('ranges', () => {
  assert.deepEqual(parseRange('10.1.2.3/8'), { words: [0, 0, 0xffff, 0x0a000000], prefix: 104 });
  assert.deepEqual(parseRange('0.0.0.0/0'), { words: [0, 0, 0xffff, 0], prefix: 96 });
  assert.deepEqual(parseRange('10.0.0.1'), { words: [0, 0, 0xffff, 0x0a000001], prefix: 128 });
  assert.deepEqual(parseRange('::ffff:10.0.0.0/104'), { words: [0, 0, 0xffff, 0x0a000000], prefix: 104 });
  assert.deepEqual(parseRange('2001:db8:ffff::/33'), { words: [0x20010db8, 0x80000000, 0, 0], prefix: 33 });
  assert.deepEqual(parseRange('::/0'), { words: [0, 0, 0, 0], prefix: 0 });
  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'a/8',
    '/8',
  ]) {
    assert.equal(parseRange(text), null, text);
  }
  assert.equal(maskOf(0), 0);
  assert.equal(maskOf(1), 0x80000000);
  assert.equal(maskOf(32), 0xffffffff);
});

test('the text of any address reads back as the same address', (t) => {
  const word = fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffffffff }));
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), (words) => {
      for (const text of [formatAddress(words), formatIPv6(words)]) {
        assert.notEqual(isIP(text), 0, text);
        assert.deepEqual(parseAddress(text), words);
      }
    }),
    fuzzRun(t, 2_000),
  );
});
