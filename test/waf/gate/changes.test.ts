import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GROUP_BITS, groupsOfText } from '../../../src/waf/gate/byte-groups.ts';
import { TRANSFORMATION_NAMES, transformationNamed } from '../../../src/waf/transformations.ts';
import { fuzzRun } from '../../support/fuzz.ts';
import { transform } from '../transform.ts';

const DECLARED = TRANSFORMATION_NAMES.filter((name) => transformationNamed(name)?.changes !== undefined);

const PIECES = [
  ...[
    '%',
    '%u',
    '%41',
    '+',
    '\\',
    '\\x41',
    '\\12',
    '&',
    '&#x41',
    '&lt;',
    '/',
    '//',
    '/./',
    '..',
    '/*',
    '*/',
    '--',
    '-->',
  ],
  ...[
    '<!--',
    '#',
    '0x',
    '0x4142',
    'f',
    ' ',
    '  ',
    '\t',
    '\r\n',
    '\0',
    '\xc2\xa0',
    '\xe2\x82',
    '\xff',
    'a',
    'B',
    '"',
    '^',
    '(',
  ],
];
const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => Buffer.from(list).toString('latin1'));
const value = fc.array(fc.oneof(fc.constantFrom(...PIECES), bytes), { maxLength: 12 }).map((list) => list.join(''));

test('fast-check: without the characters that it names, a transformation changes nothing', (t) => {
  let changed = 0;
  fc.assert(
    fc.property(value, (text) => {
      for (const name of DECLARED) {
        const groups = groupsOfText(transformationNamed(name)?.changes ?? '');
        const without = Array.from(text, (one) =>
          (groups & (GROUP_BITS[one.charCodeAt(0)] as number)) === 0 ? one : '',
        );
        assert.equal(transform(name, without.join('')), without.join(''), name);
        if (transform(name, text) !== text) changed += 1;
      }
    }),
    fuzzRun(t, 2_000),
  );
  assert.equal(DECLARED.length, 25);
  assert.ok(changed > 5_000, `${changed} values were changed`);
});

const ON_BYTES = TRANSFORMATION_NAMES.filter((name) => transformationNamed(name)?.work !== undefined);

test('fast-check: on bytes a transformation does what it does to a text, and never makes it longer', (t) => {
  let changed = 0;
  fc.assert(
    fc.property(value, (text) => {
      for (const name of ON_BYTES) {
        const bytes = Buffer.from(`${text}behind`, 'latin1');
        const length = transformationNamed(name)?.work?.(null)(bytes, text.length) ?? -1;
        assert.equal(bytes.toString('latin1', 0, length), transform(name, text), name);
        assert.ok(length <= text.length);
        if (length !== text.length) changed += 1;
      }
    }),
    fuzzRun(t, 2_000),
  );
  assert.equal(ON_BYTES.length, 12);
  assert.ok(changed > 2_000, `${changed} values were changed`);
});

test('fast-check: what a look at the text lets pass unchanged is not changed', (t) => {
  const looking = TRANSFORMATION_NAMES.filter((name) => transformationNamed(name)?.mayChange !== undefined);
  let passed = 0;
  fc.assert(
    fc.property(value, (text) => {
      for (const name of looking) {
        if (transformationNamed(name)?.mayChange?.(text) !== false) continue;
        assert.equal(transform(name, text), text, name);
        passed += 1;
      }
    }),
    fuzzRun(t, 2_000),
  );
  assert.equal(looking.length, 4);
  assert.ok(passed > 500, `${passed} values passed`);
});
