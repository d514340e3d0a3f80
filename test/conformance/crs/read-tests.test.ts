import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { overriddenExpectation, readOverrides } from './overrides.ts';
import { readTestFile, readTests } from './read-tests.ts';
import { ANYTHING } from './stage.ts';

const folder = sharedMaterial('crs/tests');
const skip = folder === null ? NO_MATERIAL : false;

test('every stage of the rule set’s tests is read, each by a name of its own', { skip }, () => {
  const stages = readTests(folder ?? '');
  assert.equal(stages.length, 3_913);
  assert.equal(new Set(stages.map((stage) => stage.name)).size, 3_913);
  const asked = (test: (expected: (typeof stages)[number]['expected']) => boolean): number =>
    stages.filter((stage) => test(stage.expected)).length;
  assert.deepEqual(
    {
      expectIds: asked((expected) => expected.expectIds.length > 0),
      noExpectIds: asked((expected) => expected.noExpectIds.length > 0),
      status: asked((expected) => expected.status !== null),
      matchRegex: asked((expected) => expected.matchRegex !== null),
      expectError: asked((expected) => expected.expectError),
      retryOnce: asked((expected) => expected.retryOnce),
    },
    { expectIds: 3_131, noExpectIds: 757, status: 26, matchRegex: 7, expectError: 1, retryOnce: 5 },
  );
  const long = stages.find((stage) => stage.name === '920400-1');
  assert.ok((long?.bytes.length ?? 0) > 64_200, 'its template is expanded');
  const encoded = stages.find((stage) => stage.name === '920171-1');
  assert.match(encoded?.bytes.toString('latin1') ?? '', /^POST \/ HTTP\/1\.1\r\n.*\r\n\r\n3\r\nHi \r\n/s);
});

test('overrides name tests that exist', { skip }, () => {
  const names = new Set(readTests(folder ?? '').map((stage) => `${stage.ruleId}-${stage.testId}`));
  for (const [file, count, elsewhere] of [
    ['nginx', 64, 21],
    ['coraza', 10, 4],
  ] as const) {
    const overrides = readOverrides(sharedMaterial(`crs/${file}-overrides.yaml`) ?? '');
    assert.equal(overrides.size, count, file);
    // The tests at hand are a part of all tests.
    const unknown = [...overrides.keys()].filter((name) => !names.has(name));
    assert.equal(unknown.length, elsewhere, unknown.join());
  }
});

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
