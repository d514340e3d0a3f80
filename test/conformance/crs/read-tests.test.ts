import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overriddenExpectation } from './overrides.ts';
import { readTestFile } from './read-tests.ts';
import { ANYTHING } from './stage.ts';

const FILE = `
rule_id: 1
tests:
  - test_id: 7
    stages:
      - input: { uri: "/a", headers: { b: "2", A: 1 }, stop_magic: true, data: "x\\x0Dé" }
        output: { log: { expect_ids: [1] } }
      - input: { encoded_request: "R0VU\\nIC8=" }
        output: { expect_error: true, isolated: true }
`;

test('fields of a test file', () => {
  const [first, second, ...others] = readTestFile(FILE, '1.yaml');
  assert.deepEqual(others, []);
  assert.equal(first?.name, '1-7');
  assert.equal(first?.bytes.toString('utf8'), 'GET /a HTTP/1.1\r\nA: 1\r\nb: 2\r\n\r\nx\ré');
  assert.deepEqual(first?.expected, { ...ANYTHING, expectIds: [1] });
  assert.equal(second?.name, '1-7/2');
  assert.equal(second?.bytes.toString(), 'GET /');
  assert.deepEqual(second?.expected, { ...ANYTHING, expectError: true, isolated: true });
});

test('what is not understood is not passed over', () => {
  const faulty: readonly (readonly [from: string, to: string, words: RegExp])[] = [
    ['uri:', 'follow_redirect:', /1\.yaml tests\[0\]\.stages\[0\]\.input\.follow_redirect is not supported/],
    ['expect_ids: [1]', 'expect_ids: ["1"]', /expect_ids holds "1"/],
    ['expect_ids: [1]', 'expected_ids: [1]', /expected_ids is not supported/],
    ['uri: "/a"', 'uri: 5', /uri is 5/],
    ['tests:', 'tests: 1\nmeta:', /tests is not a list/],
  ];
  for (const [from, to, words] of faulty) assert.throws(() => readTestFile(FILE.replace(from, to), '1.yaml'), words);
  assert.throws(() => readTestFile('tests: []', 'a.yaml'), /a\.yaml has no rule_id/);
  assert.deepEqual(readTestFile('tests: []', 'folder/920539.yaml'), []);
});

test('an override without an output asks for nothing', () => {
  const [stage] = readTestFile(FILE, '1.yaml');
  assert.ok(stage !== undefined);
  assert.deepEqual(overriddenExpectation(stage, new Map([['1-7', { reason: '', output: null }]])), ANYTHING);
  assert.equal(overriddenExpectation(stage, new Map([['1-8', { reason: '', output: null }]])), null);
});
