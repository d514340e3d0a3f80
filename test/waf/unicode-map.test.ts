import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseUnicodeMap, unicodeMapOf } from '../../src/waf/unicode-map.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { transform } from './transform.ts';

const FILE =
  '(MAC - Roman)\r\n\r\n1250  (ANSI)\r\n00e9:65 2019:27 \r\n\r\n20127 (US-ASCII)\r\n00e9:45\r\n00E8:65\r\n\r\n(UTF-8)\r\n';

const DOTS = [
  [0x3002, 0x2e],
  [0xff0e, 0x2e],
  [0xff61, 0x2e],
] as const;

test('a code page is read by its number', () => {
  const ansi = [...DOTS, [0xe9, 0x65], [0x2019, 0x27]] as const;
  assert.deepEqual(parseUnicodeMap(FILE, 1250), new Map(ansi));
  assert.deepEqual(parseUnicodeMap(FILE, 20127), new Map([...DOTS, [0xe9, 0x45], [0xe8, 0x65]] as const));
});

test('the directive names a file and a code page', () => {
  const read = (path: string): string => {
    assert.equal(path, 'unicode.mapping');
    return FILE;
  };
  assert.equal(unicodeMapOf(['unicode.mapping', '20127'], read).get(0xe9), 0x45);
  for (const [values, message] of [
    [['unicode.mapping'], 'SecUnicodeMapFile takes a path and a code page, as in: unicode.mapping 20127'],
    [['a', '1', '2'], 'SecUnicodeMapFile takes a path and a code page, as in: unicode.mapping 20127'],
    [['unicode.mapping', 'ascii'], 'ascii is not the number of a code page, such as 20127'],
    [['unicode.mapping', '437'], 'there is no code page 437; there are 1250, 20127'],
  ] as const) {
    assert.throws(() => unicodeMapOf(values, read), { name: 'SecLangReason', message });
  }
});

test('a file that cannot be read says where', () => {
  for (const [text, message] of [
    ['1250\n00e9:65 xx', 'line 2 has xx, which is neither a code page nor a pair such as 00e9:65'],
    ['1250\n00e9:165', 'line 2 has 00e9:165, which is neither a code page nor a pair such as 00e9:65'],
    ['1250\nwhat', 'line 2 has what, which is neither a code page nor a pair such as 00e9:65'],
    ['', 'there is no code page 1250; there are none'],
  ] as const) {
    assert.throws(() => parseUnicodeMap(text, 1250), { name: 'SecLangReason', message });
  }
});

const mapping = sharedMaterial('crs/unicode.mapping');

test('the map of the Core Rule Set', { skip: mapping === null ? NO_MATERIAL : false }, () => {
  assert.ok(mapping !== null);
  const map = unicodeMapOf([mapping, '20127'], (path) => readFileSync(path, 'latin1'));
  assert.equal(map.size, 372);
  assert.equal(transform('urlDecodeUni', '%u00e9%uff21%u2215%u0141%u0041%u3002%uff61', map), 'eA\x15LA..');
});
