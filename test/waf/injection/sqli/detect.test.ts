import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { detectInReadings, detectSqlInjection } from '../../../../src/waf/injection/sqli/detect.ts';
import { WORDS_BY_KIND } from '../../../../src/waf/injection/sqli/words.ts';
import { detectSqli } from '../../../../src/waf/operators/detect-sqli.ts';
import { InspectedValue } from '../../../../src/waf/value.ts';
import { fuzzRun } from '../../../support/fuzz.ts';
import { growsLinearly } from '../../../support/growth.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';

const test = detectSqli.compile('', { readData: () => '' });
const holds = (text: string) => test(new InspectedValue(text), null);
const vectors = sharedMaterial('seclang-vectors/operators/detectSQLi.json');

describe('@detectSQLi', () => {
  it('leaves the fingerprint in TX.0', () => {
    const captured: [number, string][] = [];
    const captures = { set: (index: number, text: string) => captured.push([index, text]) };
    assert.ok(test(new InspectedValue("1' or '1'='1"), captures));
    assert.ok(!test(new InspectedValue("it's fine"), captures));
    assert.deepEqual(captured, [[0, 's&sos']]);
  });

  it('answers as ModSecurity documents', { skip: vectors === null ? NO_MATERIAL : false }, () => {
    const cases = JSON.parse(readFileSync(vectors as string, 'utf8')) as { input: string; ret: number }[];
    for (const { input, ret } of cases) assert.equal(holds(input), ret === 1, input);
    assert.equal(cases.length, 5);
  });

  it('reads in every quote and with both kinds of comments', () => {
    for (const [text, fingerprint] of [
      ['1 union select 1', '1UE1'],
      ["1' union select 1", 'sUE1'],
      ['1" union select 1', 'sUE1'],
      ['1 /*!union*/ select', 'X'],
      ["1'--\n union select 1", 'sUE1'],
      ["x'--sp_password", 'sc'],
      ["admin' or 1=1#", 's&1c'],
      ['rock and roll', null],
      ['1 union', null],
      ["O'Brien", null],
      ['', null],
    ] as const) {
      assert.equal(detectSqlInjection(text), fingerprint, text);
    }
  });

  it('never throws, whatever the bytes, and answers the same again', (t) => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array).toString('latin1'));
    const signs = fc.string({
      unit: fc.constantFrom(...'\'"`\\#-/*!(){}[],.:;?@$&|<>=0x1bqnu \n\0\xa0\xdf'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(bytes, signs), (text) => {
        assert.equal(detectSqlInjection(text), detectSqlInjection(text));
      }),
      fuzzRun(t, 5_000),
    );
  });
});

describe('values that need no reading', () => {
  const words = WORDS_BY_KIND.flatMap(([, list]) => list.split(',').map((word) => word.trim())).filter((word) =>
    /^[\w.]+$/.test(word),
  );
  const cut = fc.constantFrom(...words, '1', '12', '1e5', '1f', '1fu', '0x', '0xF', '0b1', 'e', 'a_b', '_', '2');

  it('are those of letters and digits', (t) => {
    const text = fc.array(cut, { maxLength: 9 }).map((parts) => parts.join('').replaceAll('.', ''));
    fc.assert(
      fc.property(text, (value) => detectInReadings(value) === null),
      fuzzRun(t, 20_000),
    );
  });

  it('of letters and dots, of digits and dots', (t) => {
    const text = fc.array(fc.oneof(cut, fc.constant('.')), { maxLength: 9 }).map((parts) => parts.join(''));
    const letters = text.map((value) => value.replace(/[0-9]/g, ''));
    const digits = text.map((value) => value.replace(/[^0-9.]/g, ''));
    fc.assert(
      fc.property(fc.oneof(letters, digits), (value) => detectInReadings(value) === null),
      fuzzRun(t, 20_000),
    );
  });

  it('not those of letters, digits and dots', () => {
    assert.equal(detectSqlInjection('1.LIMIT.1'), '1B1');
  });
});

describe('time', () => {
  // Bytes: half a megabyte is the large one.
  const SMALL = 1 << 14;

  for (const unit of [
    "'",
    '"',
    '`',
    '\\',
    "\\'",
    "x'",
    "q'",
    "q'(",
    "n'a",
    "u&'",
    '/*',
    '/**/',
    '/* /',
    '--\n',
    '#\n',
    '$',
    '$$',
    '$a',
    '$a$',
    '@',
    "@'",
    '[',
    '{a',
    '(',
    '1+',
    '1,-',
    ';',
    "1'--\n",
    ' ',
    'a ',
    'a.',
    'IF NOT ',
    '0x',
    "' ",
    "''",
    '- ',
  ]) {
    it(`is linear for many ${JSON.stringify(unit)}`, () => {
      assert.ok(growsLinearly((bytes) => detectSqlInjection(unit.repeat(bytes / unit.length)), SMALL));
    });
  }
});
