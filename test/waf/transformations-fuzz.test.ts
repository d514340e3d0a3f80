import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TRANSFORMATION_NAMES, transformationNamed } from '../../src/waf/transformations.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { transform } from './transform.ts';

/** Pieces that make words work, and break off where they should not. */
const PIECES = [
  ...['%', '%u', '%uff21', '%41', '+', '\\', '\\x41', '\\u0041', '\\12', '\\ff21', '&', '&#', '&#x41', '&lt;', ';'],
  ...['/', '//', '/.', '/..', '.', '..', '/*', '*/', '--', '-->', '<!--', '#', '0x', '0x4142', '4', 'f', '=', 'QUJD'],
  ...[' ', '\t', '\r\n', '\0', '\xc2\xa0', '\xc3\xa9', '\xe2\x82', '\xf0\x9f\x98\x80', '\xff', 'a', 'B', '"', '^', '('],
];

const bytes = fc.uint8Array({ maxLength: 60 }).map((list) => Buffer.from(list).toString('latin1'));
const pieces = fc.array(fc.oneof(fc.constantFrom(...PIECES), bytes), { maxLength: 30 }).map((list) => list.join(''));

const NOT_BYTES = /[^\0-\xff]/;

test('fast-check: whatever the bytes, bytes come out', (t) => {
  let cases = 0;
  fc.assert(
    fc.property(pieces, (text) => {
      for (const name of TRANSFORMATION_NAMES) {
        const out = transform(name, text);
        assert.equal(NOT_BYTES.test(out), false, name);
        assert.equal(transform(name, text), out, `${name} again`);
        cases += 1;
      }
    }),
    fuzzRun(t, 1_000),
  );
  assert.ok(cases >= 37_000);
});

/** Once is enough: what they look for is gone. */
const IDEMPOTENT = [
  ...['cmdLine', 'compressWhitespace', 'lowercase', 'uppercase', 'normalizePath', 'normalizePathWin', 'parityZero7bit'],
  ...['removeNulls', 'replaceNulls', 'removeWhitespace', 'trim', 'trimLeft', 'trimRight'],
];

test('fast-check: what takes something away finds nothing more', (t) => {
  fc.assert(
    fc.property(pieces, (text) => {
      for (const name of IDEMPOTENT) {
        const once = transform(name, text);
        assert.equal(transform(name, once), once, name);
      }
    }),
    fuzzRun(t, 1_000),
  );
});

test('fast-check: encoding and decoding again gives the value', (t) => {
  fc.assert(
    fc.property(pieces, (text) => {
      assert.equal(transform('base64Decode', transform('base64Encode', text)), text);
      assert.equal(transform('base64DecodeExt', transform('base64Encode', text)), text);
      assert.equal(transform('hexDecode', transform('hexEncode', text)), text);
      assert.equal(transform('urlDecode', transform('urlEncode', text)), text);
      assert.equal(transform('trim', text), transform('trimLeft', transform('trimRight', text)));
    }),
    fuzzRun(t, 500),
  );
});

test('fast-check: long values take the same way as short ones', (t) => {
  fc.assert(
    fc.property(pieces, (text) => {
      // Beyond the memory that is kept: 64 KiB.
      const filling = 'z'.repeat(70_000);
      for (const name of ['jsDecode', 'cssDecode', 'htmlEntityDecode', 'urlDecodeUni', 'removeNulls', 'lowercase']) {
        assert.equal(transform(name, filling + text), filling + transform(name, text), name);
      }
    }),
    fuzzRun(t, 50),
  );
});

/** Of what a value of 1 MB is made: what each word works on most, and what only looks like it. */
const TRIGGERS: Readonly<Record<string, readonly string[]>> = {
  base64Decode: ['QUJD', '=', ' '],
  base64DecodeExt: ['QUJD', '=', '\xff'],
  base64Encode: ['\xff'],
  cmdLine: [' ', ' (', '"', 'A', '^ /'],
  compressWhitespace: [' ', '\t', ' a'],
  cssDecode: ['\\', '\\1', '\\000041 ', '\\ff21', '\\\n'],
  escapeSeqDecode: ['\\', '\\x', '\\x41', '\\1', '\\123', '\\n'],
  hexDecode: ['4', 'zz'],
  hexEncode: ['\xff'],
  htmlEntityDecode: ['&', '&a', '&#', '&#1', '&#x', '&#x41;', '&lt', '&amp;', '&#99999999999999999999'],
  jsDecode: ['\\', '\\x', '\\x4', '\\u', '\\u00', '\\u0041', '\\1', '\\777'],
  length: ['a'],
  lowercase: ['A', 'a', '\xff', 'A\xff'],
  md5: ['a'],
  normalizePath: ['/', './', '../', 'a/', 'a/../', '.', '/..', 'a/b/../../'],
  normalizePathWin: ['\\', '.\\', '..\\', 'a\\', 'a\\..\\', '.', '/\\'],
  parityEven7bit: ['a'],
  parityOdd7bit: ['b'],
  parityZero7bit: ['\xff'],
  removeComments: ['/*', '/**/', '/*/', '*/', '-', '<!-', '<!--', '<!---->'],
  removeCommentsChar: ['/*', '*/', '-', '--', '<!-', '<', '-->'],
  removeNulls: ['\0', 'a\0'],
  removeWhitespace: [' ', 'a ', '\xc2\xa0'],
  replaceComments: ['/*', '/**/', '/*/', '/', '*/'],
  replaceNulls: ['\0', 'a\0'],
  sha1: ['a'],
  sqlHexDecode: ['0', '0x', '0x4', '0x41', '0x41g'],
  trim: [' ', ' a'],
  trimLeft: [' '],
  trimRight: [' '],
  uppercase: ['a', 'A', '\xff', 'a\xff'],
  urlDecode: ['%', '%4', '%41', '+'],
  urlDecodeUni: ['%', '%4', '%41', '+', '%u', '%u00', '%u0041', '%uff21'],
  urlEncode: ['a', ' ', '\xff'],
  utf8toUnicode: ['\0', '\xc3', '\xc3\xa9', '\xe2\x82', '\xf0\x9f\x98\x80', '\xf5\x80\x80\x80', '\x80'],
};

const RATIO_MAX = 40;
const SOON_MS = 20;

test('time is linear in values full of triggers', () => {
  const slow: string[] = [];
  let words = 0;
  for (const [name, triggers] of Object.entries(TRIGGERS)) {
    const run = transformationNamed(name)?.compile(null);
    assert.ok(run !== undefined);
    words += 1;
    for (const trigger of triggers) {
      const [short, long] = [fullOf(trigger, 100_000), fullOf(trigger, 1_000_000)];
      // Ten times the bytes: quadratic time is a hundred times as long, seconds, each time that it is looked at. A busy
      // machine is slow once.
      let ratio = ratioOf(run, short, long);
      for (let again = 0; ratio > RATIO_MAX && again < 5; again += 1) ratio = ratioOf(run, short, long);
      if (ratio > RATIO_MAX) slow.push(`${name} ${JSON.stringify(trigger)}: ${ratio.toFixed(0)} times`);
    }
  }
  assert.deepEqual(slow, []);
  assert.equal(words, 35);
});

function fullOf(trigger: string, length: number): string {
  // latin1 from a buffer: one flat string, as values of requests are.
  return Buffer.alloc(length, trigger, 'latin1').toString('latin1');
}

function ratioOf(run: (text: string) => string, short: string, long: string): number {
  const longMs = timeOf(run, long);
  // Soon done, whatever the short one takes.
  return longMs < SOON_MS ? 1 : longMs / Math.max(1, timeOf(run, short));
}

function timeOf(run: (text: string) => string, text: string): number {
  // Of this process alone: others may have the cores.
  const { user, system } = process.cpuUsage();
  run(text);
  const used = process.cpuUsage({ user, system });
  return (used.user + used.system) / 1_000;
}
