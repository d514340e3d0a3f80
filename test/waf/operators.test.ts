import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { OperatorContext } from '../../src/waf/operator.ts';
import { OPERATOR_NAMES, OPERATORS, operatorNamed } from '../../src/waf/operators.ts';
import { SecLangReason } from '../../src/waf/seclang/reason.ts';
import { type Captures, InspectedValue } from '../../src/waf/value.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';

interface Vector {
  readonly name: string;
  readonly param?: string;
  readonly input: string;
  readonly ret: 0 | 1;
  readonly re_groups?: readonly string[];
}

/** File -> its cases. Every one runs, but those of SKIPPED. */
const CASES: Readonly<Record<string, number>> = {
  beginsWith: 6,
  contains: 10,
  containsWord: 15,
  detectSQLi: 5,
  detectXSS: 3,
  endsWith: 7,
  eq: 13,
  ge: 12,
  gt: 12,
  ipMatch: 3623,
  le: 12,
  lt: 12,
  nids: 4,
  noMatch: 3,
  pm: 15,
  pmFromFile: 6,
  rx: 18,
  streq: 7,
  strmatch: 5,
  unconditionalMatch: 3,
  validateByteRange: 6,
  validateSchema: 5,
  validateUrlEncoding: 15,
  validateUtf8Encoding: 32,
  verifyCC: 69,
  verifycpf: 2,
  verifyssn: 4,
  verifysvnr: 3,
  within: 7,
};

/** File -> why none of its cases runs here. */
const SKIPPED: Readonly<Record<string, string>> = {
  detectSQLi: 'has tests of its own',
  detectXSS: 'has tests of its own',
  validateSchema: 'the operator is refused at load, and the schema of the cases is not among them',
};

/** Ranges that do not exist: refused at load, where the case says that nothing is in them. */
const NO_RANGES = ['10.0.0.0/100'];

const folder = sharedMaterial('seclang-vectors/operators');

describe('vectors of operators', { skip: folder === null ? NO_MATERIAL : false }, () => {
  test('files are those that are known', () => {
    const files = readdirSync(folder as string).filter((file) => file.endsWith('.json'));
    assert.deepEqual(files.map((file) => file.slice(0, -5)).sort(), Object.keys(CASES).sort());
    for (const file of Object.keys(SKIPPED)) assert.ok(file in CASES, file);
    const ran = Object.entries(CASES).filter(([file]) => !(file in SKIPPED));
    assert.equal(
      ran.reduce((sum, [, count]) => sum + count, 0),
      3_921,
    );
  });

  for (const [file, count] of Object.entries(CASES)) {
    test(`${file}: ${count} cases`, { skip: SKIPPED[file] ?? false }, () => {
      const vectors = JSON.parse(readFileSync(`${folder}/${file}.json`, 'latin1')) as readonly Vector[];
      assert.equal(vectors.length, count);
      for (const vector of vectors) runVector(vector);
    });
  }
});

function runVector(vector: Vector): void {
  const context: OperatorContext = { readData: (path) => readFileSync(`${folder}/op/${path}`, 'latin1') };
  const words = JSON.stringify(vector);
  const operator = operatorNamed(vector.name);
  assert.ok(operator !== undefined, words);
  if (vector.name === 'ipMatch' && NO_RANGES.includes(vector.param ?? '')) {
    assert.equal(vector.ret, 0);
    assert.throws(() => operator.compile(vector.param ?? '', context), { name: 'SecLangReason' });
    return;
  }
  const holds = operator.compile(vector.param ?? '', context);
  const value = new InspectedValue(bytesOfInput(vector.input));
  assert.equal(holds(value, null), vector.ret === 1, words);
  const found: string[] = [];
  const captures: Captures = { set: (index, text) => (found[index] = text) };
  assert.equal(holds(value, captures), vector.ret === 1, words);
  if (vector.re_groups !== undefined) assert.deepEqual(found, vector.re_groups, words);
}

/** The cases write bytes as `\xe4`, `\u0000` and `\0`, behind JSON's own escapes. */
function bytesOfInput(input: string): string {
  return input
    .replace(/\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})/g, (_, a, b) =>
      String.fromCharCode(Number.parseInt(a ?? b, 16)),
    )
    .replaceAll('\\0', '\0');
}

describe('the table of operators', () => {
  test('names are looked up without regard to case', () => {
    for (const word of OPERATORS) {
      assert.equal(operatorNamed(word.name), word);
      assert.equal(operatorNamed(word.name.toUpperCase()), word);
    }
    assert.equal(operatorNamed('verifyFoo'), undefined);
    assert.equal(new Set(OPERATOR_NAMES.map((name) => name.toLowerCase())).size, 32);
  });

  test('what is not supported is refused by name, with a way out', () => {
    const refused = [
      ['rbl', /^@rbl is not supported: .*@ipMatchFromFile$/],
      ['geoLookup', /^@geoLookup is not supported: .*@ipMatchFromFile$/],
      ['gsbLookup', /^@gsbLookup is not supported: .*@pmFromFile$/],
      ['inspectFile', /^@inspectFile is not supported: /],
      ['fuzzyHash', /^@fuzzyHash is not supported: /],
      ['validateDTD', /^@validateDTD is not supported: /],
      ['validateSchema', /^@validateSchema is not supported: /],
      ['validateHash', /^@validateHash is not supported: /],
      ['rsub', /^@rsub is not supported: /],
      ['restpath', /^@restpath is not supported: .*@rx$/],
      ['ipMatchFromDataset', /@ipMatchFromFile$/],
      ['pmFromDataset', /@pmFromFile$/],
    ] as const;
    for (const [name, message] of refused) {
      assert.ok(!OPERATOR_NAMES.includes(name));
      assert.throws(() => operatorNamed(name.toLowerCase())?.compile('x', { readData: () => '' }), {
        name: 'SecLangReason',
        message,
      });
    }
    assert.equal(new SecLangReason('x').name, 'SecLangReason');
  });
});
