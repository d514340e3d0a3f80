import assert from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AddressSet, compileAddressSet } from '../../src/base/address-set.ts';
import { type AddressRange, type AddressWords, isMapped, parseAddress, parseRange } from '../../src/base/ip-address.ts';
import { fuzzRun } from '../support/fuzz.ts';

function setOf(...texts: readonly string[]): AddressSet {
  return compileAddressSet(texts.map((text) => parseRange(text) ?? assert.fail(text)));
}

function has(set: AddressSet, text: string): boolean {
  return set.has(parseAddress(text) ?? assert.fail(text));
}

test('the edges of a range, in both families', () => {
  const set = setOf('10.0.0.0/8', '192.0.2.7', '2001:db8::/33', '2001:db8:ffff::1');
  for (const inside of [
    '10.0.0.0',
    '10.255.255.255',
    '192.0.2.7',
    '2001:db8::',
    '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff',
  ]) {
    assert.equal(has(set, inside), true, inside);
  }
  for (const outside of [
    '9.255.255.255',
    '11.0.0.0',
    '192.0.2.6',
    '192.0.2.8',
    '2001:db7::',
    '2001:db8:8000::',
    '::',
  ]) {
    assert.equal(has(set, outside), false, outside);
  }
  assert.equal(has(set, '2001:db8:ffff::1'), true);
  assert.equal(has(set, '2001:db8:ffff::2'), false);
});

test('an empty set has nobody', () => {
  const set = setOf();
  assert.equal(set.spans, 0);
  for (const text of ['0.0.0.0', '::', '255.255.255.255', 'ffff::']) assert.equal(has(set, text), false, text);
});

test('families stay apart, and a mapped address is an IPv4 one', () => {
  assert.equal(has(setOf('0.0.0.0/0'), '255.1.2.3'), true);
  assert.equal(has(setOf('0.0.0.0/0'), '::1'), false);
  assert.equal(has(setOf('::/0'), '1.2.3.4'), false);
  assert.equal(has(setOf('::/0'), '::ffff:1.2.3.4'), false);
  assert.equal(has(setOf('::/0'), 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), true);
  assert.equal(has(setOf('::ffff:10.0.0.0/104'), '10.1.2.3'), true);
  assert.equal(has(setOf('10.0.0.0/8'), '::ffff:10.1.2.3'), true);
});

test('nested and adjacent ranges become one span', () => {
  assert.equal(setOf('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '10.0.0.0/8').spans, 1);
  assert.equal(setOf('10.1.2.3', '10.1.0.0/16', '10.0.0.0/8').spans, 1);
  assert.equal(setOf('10.0.0.0/9', '10.128.0.0/9').spans, 1);
  assert.equal(setOf('10.0.0.0/9', '10.128.0.1').spans, 2);
  assert.equal(setOf('2001:db8:0:0:ffff:ffff:ffff:ffff', '2001:db8:0:1::').spans, 1);
  assert.equal(setOf('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::').spans, 2);
  assert.equal(setOf('10.0.0.0/8', '::/0').spans, 2);
});

test('many entries: every one is found, its neighbours are not', () => {
  const texts: string[] = [];
  for (let i = 0; i < 20_000; i += 1) {
    texts.push(
      `${i & 127}.${(i >> 7) & 255}.1.0/25`,
      `2001:db8:${i.toString(16)}:1::/64`,
      `2a0${i % 7}:${i.toString(16)}::/33`,
    );
  }
  const set = setOf(...texts);
  assert.equal(set.spans, 60_000);
  for (let i = 0; i < 20_000; i += 1) {
    const four = `${i & 127}.${(i >> 7) & 255}`;
    assert.equal(has(set, `${four}.1.127`) && !has(set, `${four}.1.128`) && !has(set, `${four}.0.255`), true, four);
    const six = `2001:db8:${i.toString(16)}`;
    assert.equal(has(set, `${six}:1:ffff::`) && !has(set, `${six}:2::`) && !has(set, `${six}:0::`), true, six);
    const wide = `2a0${i % 7}:${i.toString(16)}`;
    assert.equal(has(set, `${wide}:7fff::1`) && !has(set, `${wide}:8000::`), true, wide);
  }
});

/** Ranges crowd together: words from few values, so that they nest, touch, repeat and share long beginnings. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x20010db8),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const four = word.map((last): AddressWords => [0, 0, 0xffff, last]);
const six = fc.tuple(word, word, word, word);
const address = fc.oneof(four, six);
const range = fc.oneof(
  fc.tuple(four, fc.integer({ min: 96, max: 128 })),
  fc.tuple(six, fc.integer({ min: 0, max: 128 })),
);

function bitsOf(words: AddressWords): bigint {
  return words.reduce((bits, each) => (bits << 32n) | BigInt(each), 0n);
}

function wordsOf(bits: bigint): AddressWords {
  return [96n, 64n, 32n, 0n].map((at) => Number((bits >> at) & 0xffffffffn)) as unknown as AddressWords;
}

/** One range after the other, in arithmetic that cannot overflow. */
function isInOne(ranges: readonly AddressRange[], words: AddressWords): boolean {
  return ranges.some(({ words: net, prefix }) => {
    if (isMapped(words) !== (prefix >= 96 && isMapped(net))) return false;
    const low = BigInt(128 - prefix);
    return bitsOf(words) >> low === bitsOf(net) >> low;
  });
}

test('answers as one comparison after the other does, at and around every edge', (t) => {
  let hits = 0;
  let asked = 0;
  fc.assert(
    fc.property(fc.array(range, { maxLength: 24 }), fc.array(address, { maxLength: 4 }), (pairs, strangers) => {
      const ranges = pairs.map(([words, prefix]): AddressRange => {
        const low = BigInt(128 - prefix);
        return { words: wordsOf((bitsOf(words) >> low) << low), prefix };
      });
      const set = compileAddressSet(ranges);
      assert.ok(set.spans <= ranges.length);
      const questions = [...strangers];
      for (const { words, prefix } of ranges) {
        const first = bitsOf(words);
        const last = first | ((1n << BigInt(128 - prefix)) - 1n);
        for (const bits of [first - 1n, first, last, last + 1n]) {
          if (bits >= 0n && bits >> 128n === 0n) questions.push(wordsOf(bits));
        }
      }
      for (const words of questions) {
        const expected = isInOne(ranges, words);
        assert.equal(set.has(words), expected, `${words} in ${JSON.stringify(ranges)}`);
        asked += 1;
        if (expected) hits += 1;
      }
    }),
    fuzzRun(t, 6_000),
  );
  t.diagnostic(`${asked} questions, ${hits} of them inside`);
  assert.ok(hits > asked / 10 && hits < asked * 0.9, 'neither answer is rare');
});

test('answers as node:net BlockList does', (t) => {
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  const v4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'));
  const group = fc.constantFrom('0', '1', '8000', 'ffff', '2001');
  // Not below 2000::, where IPv4-mapped addresses lie, which BlockList compares with both families.
  const v6 = fc.array(group, { minLength: 7, maxLength: 7 }).map((groups) => ['2001', ...groups].join(':'));
  const range4 = fc.tuple(v4, fc.integer({ min: 1, max: 32 }));
  const range6 = fc.tuple(v6, fc.integer({ min: 16, max: 128 }));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(range4, range6), { maxLength: 4 }),
      fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 8 }),
      (ranges, addresses) => {
        const list = new BlockList();
        for (const [net, prefix] of ranges) list.addSubnet(net, prefix, isIPv4(net) ? 'ipv4' : 'ipv6');
        const set = setOf(...ranges.map(([net, prefix]) => `${net}/${prefix}`));
        for (const text of addresses) {
          assert.equal(has(set, text), list.check(text, isIPv4(text) ? 'ipv4' : 'ipv6'), `${text} in ${ranges}`);
        }
      },
    ),
    fuzzRun(t, 500),
  );
});
