import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { searchFor } from '../../../src/waf/operators/text-search.ts';
import { fuzzRun } from '../../support/fuzz.ts';
import { compiled } from '../../support/operators.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'Z', '1', '_', '\x00', '\xe9'), { maxLength: 10 })
  .map((all) => all.join(''));

test('operators over text are what they say', (t) => {
  const wordModel = (value: string, word: string): boolean => {
    const letter = /[A-Za-z]/;
    for (let at = 0; at + word.length <= value.length; at += 1) {
      if (!value.startsWith(word, at)) continue;
      if (!letter.test(value[at - 1] ?? '') && !letter.test(value[at + word.length] ?? '')) return true;
    }
    return word === '';
  };
  const models: readonly (readonly [string, (value: string, parameter: string) => boolean])[] = [
    ['within', (value, parameter) => parameter.split(value).length > 1 || value === ''],
    ['contains', (value, parameter) => value.split(parameter).length > 1 || parameter === ''],
    ['strmatch', (value, parameter) => value.includes(parameter)],
    ['beginsWith', (value, parameter) => value.slice(0, parameter.length) === parameter],
    ['endsWith', (value, parameter) => parameter === '' || value.slice(-parameter.length) === parameter],
    ['streq', (value, parameter) => Buffer.from(value, 'latin1').equals(Buffer.from(parameter, 'latin1'))],
    ['containsWord', wordModel],
    ['noMatch', () => false],
    ['unconditionalMatch', () => true],
  ];
  fc.assert(
    fc.property(text, text, (value, parameter) => {
      for (const [name, model] of models) {
        assert.equal(compiled(name, parameter)(value), model(value, parameter), `${name} ${parameter} on ${value}`);
      }
    }),
    fuzzRun(t, 1_500),
  );
});

describe('the search for one text', () => {
  test('finds long needles where a plain search finds them', (t) => {
    const unit = fc.constantFrom('a', 'ab', 'aab');
    const periodic = fc
      .tuple(unit, fc.integer({ min: 30, max: 90 }), text)
      .map(([part, n, end]) => part.repeat(n) + end);
    fc.assert(
      fc.property(periodic, fc.array(periodic, { maxLength: 3 }), (needle, parts) => {
        const hay = parts.join('');
        assert.equal(searchFor(needle)(hay), hay.includes(needle));
        assert.equal(searchFor(needle)(hay + needle), true);
        const asked: number[] = [];
        searchFor(needle, (_, at) => asked.push(at) < 0)(hay + needle);
        const all = Array.from({ length: hay.length + 1 }, (_, at) => at);
        assert.deepEqual(
          asked,
          all.filter((at) => (hay + needle).startsWith(needle, at)),
        );
      }),
      fuzzRun(t, 500),
    );
  });

  test('is linear where both texts come from a request', () => {
    const half = 100_000;
    const start = process.cpuUsage().user;
    assert.equal(compiled('contains', `b${'a'.repeat(half)}`)('a'.repeat(2 * half)), false);
    assert.equal(compiled('containsWord', 'a'.repeat(half))('a'.repeat(2 * half)), false);
    assert.equal(compiled('within', 'a'.repeat(2 * half))(`b${'a'.repeat(half)}`), false);
    // Ten thousand million comparisons would take seconds.
    assert.ok(process.cpuUsage().user - start < 1_000_000);
  });
});

describe('numbers', () => {
  test('are read as atoi reads them', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['7', 7],
      [' \t\n7', 7],
      ['+7x9', 7],
      ['-7', -7],
      ['0x10', 0],
      ['1e3', 1],
      ['', 0],
      ['x', 0],
      ['- 7', 0],
      ['--7', 0],
      ['007', 7],
      ['\xa07', 0],
      ['2147483648', 2147483648],
    ];
    for (const [value, number] of cases) {
      assert.equal(compiled('eq', String(number))(value), true, value);
      assert.equal(compiled('gt', String(number - 1))(value), true, value);
      assert.equal(compiled('ge', String(number))(value), true, value);
      assert.equal(compiled('lt', String(number + 1))(value), true, value);
      assert.equal(compiled('le', String(number))(value), true, value);
      assert.equal(compiled('gt', String(number))(value), false, value);
      assert.equal(compiled('lt', String(number))(value), false, value);
    }
  });

  test('numbers of many digits are large', () => {
    assert.equal(compiled('gt', '100')('99999999999999999999'), true);
    assert.equal(compiled('lt', '100')('9'.repeat(100_000)), false);
    assert.equal(compiled('eq', '0')(`-${'9'.repeat(400)}`), false);
    assert.equal(compiled('eq', '0')('-0'), true);
  });
});
