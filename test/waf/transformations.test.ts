import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { byteTextOfString } from '../../src/base/byte-text.ts';
import { TRANSFORMATION_NAMES, transformationNamed } from '../../src/waf/transformations.ts';
import { parseUnicodeMap } from '../../src/waf/unicode-map.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { transform } from './transform.ts';

interface Vector {
  readonly input: string;
  readonly output: string;
}

/** Cases in each file of seclang-vectors/transformations. */
const COUNTS: Readonly<Record<string, number>> = {
  base64Decode: 6,
  base64DecodeExt: 6,
  base64Encode: 5,
  cmdLine: 6,
  compressWhitespace: 6,
  cssDecode: 6,
  escapeSeqDecode: 11,
  hexDecode: 5,
  hexEncode: 3,
  htmlEntityDecode: 3,
  jsDecode: 12,
  length: 4,
  lowercase: 5,
  md5: 5,
  normalisePath: 31,
  normalisePathWin: 31,
  parityEven7bit: 4,
  parityOdd7bit: 4,
  parityZero7bit: 4,
  removeComments: 21,
  removeCommentsChar: 21,
  removeNulls: 8,
  removeWhitespace: 5,
  replaceComments: 21,
  replaceNulls: 7,
  sha1: 3,
  sqlHexDecode: 1,
  trim: 9,
  trimLeft: 9,
  trimRight: 9,
  uppercase: 5,
  urlDecode: 19,
  urlDecodeUni: 36,
  urlEncode: 20,
  utf8toUnicode: 7,
};
const ALL = 358;

/** Cases of Coraza that ModSecurity 3 answers otherwise, by number from 0, with what it gives. */
const DIFFERENCES: readonly { readonly file: string; readonly number: number; readonly output: string }[] = [
  // Coraza writes code points as UTF-8; ModSecurity one byte for each.
  { file: 'cssDecode', number: 3, output: 'test\n\x0b\x0fnrtv?\'"\0\x12#4EV!~\0  string' },
  { file: 'cssDecode', number: 5, output: '\x1a\x01AV7V7\x01x\x01x' },
  // Coraza gives up where a byte is no digit, or one is left over; ModSecurity reads on.
  { file: 'hexDecode', number: 3, output: '\x01\x23\x45\x67\x89\x23' },
  { file: 'hexDecode', number: 4, output: 'Test\0' },
];

const folder = sharedMaterial('seclang-vectors/transformations');
const mapping = sharedMaterial('crs/unicode.mapping');

test('the vectors that SecLang engines share', { skip: folder === null ? NO_MATERIAL : false }, () => {
  assert.ok(folder !== null && mapping !== null);
  const files = readdirSync(folder).map((name) => name.replace('.json', ''));
  assert.deepEqual(files.sort(), Object.keys(COUNTS).sort());
  const map = parseUnicodeMap(readFileSync(mapping, 'latin1'), 20127);
  let ran = 0;
  let differing = 0;
  for (const file of files) {
    const vectors = JSON.parse(readFileSync(`${folder}/${file}.json`, 'utf8')) as readonly Vector[];
    assert.equal(vectors.length, COUNTS[file], file);
    for (const [number, vector] of vectors.entries()) {
      // Those of urlDecodeUni suppose `SecUnicodeMapFile unicode.mapping 20127`.
      const given = transform(file, vectorBytes(vector.input), map);
      const difference = DIFFERENCES.find((entry) => entry.file === file && entry.number === number);
      assert.equal(given, difference?.output ?? vectorBytes(vector.output), `${file} ${number}`);
      if (difference !== undefined) {
        assert.notEqual(given, vectorBytes(vector.output), `${file} ${number} differs no more`);
        differing += 1;
      }
      ran += 1;
    }
  }
  assert.deepEqual([ran, differing], [ALL, DIFFERENCES.length]);
});

/**
 * As ModSecurity reads its vectors: the text as UTF-8, then `\xHH` and `\u00HH`, where they are still written out, as
 * one byte each, on both sides. `\xag` there is what `sscanf` makes of it: 0x0A; of `\xga` it makes nothing.
 */
function vectorBytes(text: string): string {
  return byteTextOfString(text)
    .replace(/\\x([0-9A-Za-z]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16) || 0))
    .replace(/\\u([0-9A-Za-z]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16) & 0xff));
}

/** Beyond the shared vectors: input and what libmodsecurity 3.0.9 gives, but where a comment says otherwise. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  base64Decode: [
    ['VGVz\ndA==', 'Test'],
    ['VGVzdA== ', 'Test'],
    // There nothing: what stands before a stray byte, and a last group without its padding, count here.
    ['VGVz!dA==', 'Tes'],
    ['VGVzdENhc2U', 'TestCase'],
    ['V', ''],
  ],
  base64DecodeExt: [
    ['V.G!VzdA', 'Test'],
    ['VGVz\0dA==', 'Test'],
    ['VGVzdA==VGVzdA==', 'Test\x05FW7@'],
  ],
  cmdLine: [
    ['  x,;\ty', ' x y'],
    ['a ^ /b \\(c', 'a/b(c'],
    ['A\v\xC1', 'a\v\xC1'],
  ],
  compressWhitespace: [
    ['a \t\xa0 b', 'a \xa0 b'],
    ['\t', ' '],
  ],
  cssDecode: [
    ['\\ff21\\0ff21\\00ff21\\1ff21', 'AAA!'],
    ['\\41 \tb\\\r\n\\\nc\\', 'A\tb\r\nc'],
  ],
  escapeSeqDecode: [
    ['\\X41\\x4g\\400\\777\\18\\e\\', 'Ax4g\0\xff\x018e\\'],
    ['\\x4', 'x4'],
  ],
  hexDecode: [
    ['zz', 'S'],
    ['414', 'A'],
  ],
  htmlEntityDecode: [
    ['&lt;&LT&gt;&quot;&amp;lt;&nbsp;&apos;', '<<>"&lt;\xa0&apos;'],
    ['&#65&#x41;&#X41g&#321;&#0;', 'AAAgA\0'],
    ['&#9223372036854775807;&#9223372036854775873;&#x7fffffffffffff41;&#x8000000000000041;', '\xff\xffA\xff'],
    ['&#00000000000000000000065;&#x00000000000000000000041', 'AA'],
    ['&&lt;&#&lt;&#x&lt;&bogus&lt&', '&<&#<&#x<&bogus<&'],
  ],
  jsDecode: [
    ['\\uff21\\uFF5e\\uff5f\\u0141\\U0041\\x4', 'A~_AU0041x4'],
    ['\\400\\377\\7778\\18\\a\\z\\', ' 0\xff?78\x018\x07z\\'],
  ],
  normalizePath: [
    ['/', '/'],
    ['//', '/'],
    ['/..', ''],
    ['/../', '/'],
    ['a/../', ''],
    ['../a/../..//b', '../../b'],
    ['/./a/.b/..c/d.', '/a/.b/..c/d.'],
    // There these end in dots, and take the segment before them away.
    ['/a/b../c', '/a/b../c'],
    ['/a/.../b', '/a/.../b'],
  ],
  normalizePathWin: [['\\a/.\\b\\/..\\c', '/a/c']],
  parityEven7bit: [['\xad\x93\x01\x03', '\xad\x13\x81\x03']],
  parityOdd7bit: [['\xad\x93\x01\x03', '\x2d\x93\x01\x83']],
  removeComments: [
    ['a--b', 'a'],
    ['a#b', 'a'],
    ['a<!--b*/c/*d-->e', 'ace'],
    ['/**//**/x', '/**/x'],
  ],
  removeCommentsChar: [['--->a<!--b/*/c*/*#', '->ab/c*']],
  removeWhitespace: [['a\xc2\xa0b\xa0c\xc2d\xe9', 'abcd\xe9']],
  replaceComments: [
    ['/*/*/x', ' x'],
    ['/**//**/', '  '],
    ['a/**', 'a '],
  ],
  // There the last byte of a value without a mark is lost, and a mark right behind another stays.
  sqlHexDecode: [
    ['x0x41zz0X4243 0x4', 'xAzzBC 0x4'],
    ['abc', 'abc'],
    ['0x414', 'A4'],
    ['0x410x42', 'AB'],
  ],
  urlDecode: [['%u0041%%41+%4g%4', '%u0041%A %4g%4']],
  urlDecodeUni: [
    ['%uff21%UFF5e%uff00%u2019%u00e9', 'A~\0\x19\xe9'],
    ['%u12%41aaaaa%u123', '%u12Aaaaaa%u123'],
  ],
  urlEncode: [['a b*c-_\xff', 'a+b*c%2d%5f%ff']],
  utf8toUnicode: [
    ['x\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x90\x80\x80', 'x%u00e9%u20ac%u1f600%u110000'],
    ['\xc0\x80\xed\xa0\x80\xf0\x80\x80\x80\xf5\x80\x80\x80', '%u0000\xc0%ud800\xed%u0000\xf0\xf5%u140000'],
    ['a\0b\xc3c\xf0\x9fd\x80\xff\xe2\x82', 'abc\x9fd\x80\xff\x82'],
  ],
};

test('more values, as ModSecurity 3 reads them', () => {
  for (const [name, examples] of Object.entries(EXAMPLES)) {
    for (const [input, output] of examples) {
      assert.equal(transform(name, input), output, `${name} ${JSON.stringify(input)}`);
    }
  }
});

test('names are found in any case, both spellings of each, and others are not', () => {
  assert.equal(TRANSFORMATION_NAMES.length, 37);
  for (const name of TRANSFORMATION_NAMES) {
    assert.ok(transformationNamed(name)?.names.includes(name), name);
    assert.equal(transformationNamed(name.toUpperCase()), transformationNamed(name));
  }
  assert.equal(transformationNamed('normalizePathWin'), transformationNamed('normalisePathWin'));
  for (const name of ['none', 'base64', '', '__proto__', 'constructor']) assert.equal(transformationNamed(name), null);
});

test('every transformation that the Core Rule Set names', { skip: mapping === null ? NO_MATERIAL : false }, () => {
  const rules = sharedMaterial('crs/rules');
  assert.ok(rules !== null);
  const used = new Set<string>();
  for (const file of readdirSync(rules).filter((name) => name.endsWith('.conf'))) {
    for (const line of readFileSync(`${rules}/${file}`, 'latin1').split('\n')) {
      if (line.trimStart().startsWith('#')) continue;
      for (const [, name] of line.matchAll(/(?<=[\s",])t:([A-Za-z0-9]+)(?=[,"])/g)) used.add(name as string);
    }
  }
  used.delete('none');
  assert.equal(used.size, 19);
  assert.deepEqual(
    [...used].filter((name) => transformationNamed(name) === null),
    [],
  );
});
