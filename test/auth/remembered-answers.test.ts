import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RememberedAnswers } from '../../src/auth/remembered-answers.ts';
import { refusal } from '../../src/identity.ts';

const judged = refusal('inactive', 'a test');

function put(answers: RememberedAnswers, token: string, bytes = 1, fromMs = 1_000, untilMs = 2_000): void {
  answers.add({ token, judged, fromMs, untilMs, bytes, isUsed: false });
}

const has = (answers: RememberedAnswers, token: string, nowMs = 1_500) => answers.find(token, nowMs) !== null;

test('the oldest goes first, unless it was used since', () => {
  const answers = new RememberedAnswers(3, 1_000);
  for (const token of ['a', 'b', 'c']) put(answers, token);
  assert.ok(has(answers, 'a'));
  put(answers, 'd');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((token) => has(answers, token)),
    [true, false, true, true],
  );
  assert.equal(answers.count, 3);
});

test('neither number nor bytes are ever passed, and both are right to the last', () => {
  const answers = new RememberedAnswers(64, 1_000);
  let random = 1;
  for (let i = 0; i < 20_000; i += 1) {
    random = (random * 48_271) % 2_147_483_647;
    const token = `token-${random % 300}`;
    if (random % 3 === 0) answers.find(token, 1_000 + (random % 1_200));
    else put(answers, token, 1 + (random % 90));
    assert.ok(answers.count <= 64 && answers.bytes <= 1_000, `${answers.count} ${answers.bytes}`);
  }
  assert.ok(answers.count > 5);
  for (let i = 0; i < 300; i += 1) answers.find(`token-${i}`, 2_000);
  assert.deepEqual([answers.count, answers.bytes], [0, 0]);
});

test('one that alone is too large is not kept, and takes its former self with it', () => {
  const answers = new RememberedAnswers(16, 100);
  put(answers, 'a');
  put(answers, 'b');
  put(answers, 'a', 101);
  assert.deepEqual([has(answers, 'a'), has(answers, 'b'), answers.bytes], [false, true, 1]);
});

test('it holds from its time until its end, whatever the clock does', () => {
  const answers = new RememberedAnswers(16, 100);
  for (const [nowMs, holds] of [
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ] as const) {
    put(answers, 'a');
    assert.equal(has(answers, 'a', nowMs), holds, `${nowMs}`);
    assert.equal(answers.count, holds ? 1 : 0);
  }
});
