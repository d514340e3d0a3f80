import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observed } from './executor.ts';
import { judgeStage } from './judge.ts';
import { ANYTHING, type Expectation } from './stage.ts';

const OBSERVED: Observed = {
  status: 200,
  error: null,
  answer: 'HTTP/1.1 200 OK\r\n\r\nhello',
  ids: [1, 2],
  lines: ['[id "1"] first', '[id "2"] second'],
};
const FAILED: Observed = { status: null, error: 'ECONNRESET', answer: '', ids: [1], lines: [] };

test('what passes', () => {
  const passes: readonly Partial<Expectation>[] = [
    {},
    { status: 200 },
    { expectIds: [1, 2] },
    { noExpectIds: [3] },
    { matchRegex: '"2".*sec' },
    { noMatchRegex: 'first.*second' },
    { responseContains: 'hello' },
  ];
  for (const row of passes) assert.deepEqual(judgeStage({ ...ANYTHING, ...row }, OBSERVED), [], JSON.stringify(row));
  assert.deepEqual(judgeStage({ ...ANYTHING, isolated: true }, { ...OBSERVED, ids: [1] }), []);
  assert.deepEqual(judgeStage({ ...ANYTHING, expectError: true, expectIds: [7] }, FAILED), []);
});

test('what fails, and the words for it', () => {
  const fails: readonly (readonly [Partial<Expectation>, readonly RegExp[]])[] = [
    [{ status: 403 }, [/^status 200, wanted 403$/]],
    [{ expectIds: [1, 3, 4] }, [/^missed 3$/, /^missed 4$/]],
    [{ noExpectIds: [2] }, [/^unwanted 2$/]],
    [{ matchRegex: '^second' }, [/no line of the log matches/]],
    [{ noMatchRegex: 'first' }, [/a line of the log matches/]],
    [{ responseContains: 'bye' }, [/does not contain "bye"/]],
    [{ isolated: true }, [/2 rules held/]],
    [{ expectError: true }, [/answered 200, wanted an error/]],
  ];
  for (const [row, words] of fails) {
    const findings = judgeStage({ ...ANYTHING, ...row }, OBSERVED);
    assert.equal(findings.length, words.length, JSON.stringify(row));
    for (const [index, word] of words.entries()) assert.match(findings[index] ?? '', word);
  }
  assert.deepEqual(judgeStage({ ...ANYTHING, expectIds: [1] }, FAILED), ['no answer: ECONNRESET']);
});
