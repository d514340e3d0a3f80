import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AddressWords, formatAddress } from '../../../src/base/ip-address.ts';
import { fuzzRun } from '../../support/fuzz.ts';
import { compiled } from '../../support/operators.ts';

const MAPPED: readonly number[] = [0, 0, 0xffff];
const word = fc.integer({ min: 0, max: 0xffffffff });
/** Few words, so that addresses are near each other. */
const near = fc.oneof(fc.constantFrom(0, 1, 0x0a000000, 0x20010db8, 0xffffffff), word);
const four = near.map((last): AddressWords => [0, 0, 0xffff, last]);
const six = fc.tuple(fc.constantFrom(0x20010db8, 0xfe800000), near, near, near);

const bitsOf = (words: AddressWords): string => words.map((each) => each.toString(2).padStart(32, '0')).join('');
const isFour = (words: AddressWords): boolean => words.slice(0, 3).every((each, index) => each === MAPPED[index]);

test('@ipMatch compares as many bits as the range has', (t) => {
  const range = fc.oneof(
    fc.tuple(four, fc.integer({ min: 0, max: 32 })),
    fc.tuple(six, fc.integer({ min: 0, max: 128 })),
  );
  const both = fc.tuple(fc.array(range, { minLength: 1, maxLength: 4 }), fc.oneof(four, six), fc.nat(127));
  fc.assert(
    fc.property(both, ([ranges, stranger, flipped]) => {
      const parameter = ranges.map(([words, bits]) => `${formatAddress(words)}/${bits}`).join(', ');
      const holds = compiled('ipMatch', parameter);
      const flip = (words: AddressWords): AddressWords =>
        words.map((each, index) => (index === flipped >> 5 ? (each ^ (1 << (flipped & 31))) >>> 0 : each)) as never;
      const asked = [stranger, ...ranges.map(([words]) => words), ...ranges.map(([words]) => flip(words))];
      for (const address of asked) {
        const expected = ranges.some(([words, bits]) => {
          const prefix = isFour(words) ? bits + 96 : bits;
          if (isFour(words) !== isFour(address)) return false;
          return bitsOf(words).slice(0, prefix) === bitsOf(address).slice(0, prefix);
        });
        assert.equal(holds(formatAddress(address)), expected, `${formatAddress(address)} in ${parameter}`);
      }
    }),
    fuzzRun(t, 800),
  );
});

test('what is no address is in no range', () => {
  const holds = compiled('ipMatch', '0.0.0.0/0,::/0');
  for (const text of ['', 'a', '1.2.3', '1.2.3.4 ', '1.2.3.4/8', '010.1.1.1', '[::1]', 'fe80::1%eth0']) {
    assert.equal(holds(text), false, text);
  }
  assert.equal(holds('::ffff:10.0.0.1'), true);
  assert.equal(compiled('ipMatch', '10.0.0.0/8')('::ffff:10.0.0.1'), true);
  assert.equal(compiled('ipMatch', '::/0')('10.0.0.1'), false);
});

test('what is no range is refused', () => {
  for (const parameter of ['', '1.2.3', '10.0.0.0/33', '::/129', '1.2.3.4,', 'a.example', '1.2.3.4 5.6.7.8']) {
    assert.throws(() => compiled('ipMatch', parameter), { name: 'SecLangReason', message: /is no address or range/ });
  }
});

test('@ipMatchFromFile reads a range from each line', () => {
  const readData = (): string => '# ours\n\n 10.0.0.0/8 \r\n2001:db8::/32';
  for (const name of ['ipMatchFromFile', 'ipMatchF']) {
    const holds = compiled(name, 'ours.data', { readData });
    assert.deepEqual(
      ['10.2.3.4', '2001:db8::1', '11.0.0.1'].map((text) => holds(text)),
      [true, true, false],
    );
  }
  assert.throws(() => compiled('ipMatchFromFile', 'x', { readData: () => 'nobody' }), {
    message: '@ipMatchFromFile: "nobody" is no address or range, as 10.0.0.0/8 or 2001:db8::/32 are',
  });
});
