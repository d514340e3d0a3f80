import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUrl, hasInvalidEncoding, parseQuery } from '../../src/body/urlencoded.ts';
import { CAPS, pairs, read } from './support.ts';

// Each checked against libmodsecurity 3.0.9.
const CASES: readonly (readonly [body: string, found: readonly string[]])[] = [
  ['a=1&b=2', ['a=1', 'b=2']],
  ['a=1&a=2', ['a=1', 'a=2']],
  ['b', ['b=']],
  ['=c', ['=c']],
  ['a=1&&b=2', ['a=1', '=', 'b=2']],
  ['a=1&', ['a=1']],
  ['&', ['=']],
  ['j==k;l=m', ['j==k;l=m']],
  ['d=%zz&e=%&f=%4', ['d=%zz', 'e=%', 'f=%4']],
  ['f+g=h+i', ['f g=h i']],
  ['%41=%00x', ['A=\0x']],
  ['a=%26%3d', ['a=&=']],
  ['a%3d1=2', ['a=1=2']],
  ['a=%%34%31', ['a=%41']],
  ['a=%u0041', ['a=%u0041']],
  ['a=\xff%FF%c3%a9', ['a=\xff\xff\xc3\xa9']],
  ['a=1\r\n', ['a=1\r\n']],
];

test('forms are read as ModSecurity reads them', () => {
  for (const [body, found] of CASES) {
    const parsed = read('URLENCODED', body);
    assert.deepEqual(pairs(parsed), found, body);
    assert.equal(parsed.error, null);
    assert.deepEqual(
      parseQuery(body).map(({ name, value }) => `${name}=${value}`),
      found,
    );
  }
  assert.equal(CASES.length, 17);
});

test('a text without + and % stays the same string', () => {
  assert.equal(decodeUrl('abc'), 'abc');
  assert.equal(decodeUrl(''), '');
});

test('URLENCODED_ERROR is a % without two digits', () => {
  for (const text of ['%', 'a%4', '%zz', '%4g', '%41%', '%%41']) assert.equal(hasInvalidEncoding(text), true, text);
  for (const text of ['', 'a', '%41', '%41%fF', 'a=%00']) assert.equal(hasInvalidEncoding(text), false, text);
});

test('more arguments than the cap are an error, and the first are there', () => {
  const body = Array.from({ length: 1_001 }, (_, n) => `a${n}=`).join('&');
  const parsed = read('URLENCODED', body);
  assert.equal(parsed.arguments.length, CAPS.argumentsMax);
  assert.equal(parsed.error, 'holds more than 1000 values');
  assert.equal(read('URLENCODED', body.slice(0, body.lastIndexOf('&'))).error, null);
});
