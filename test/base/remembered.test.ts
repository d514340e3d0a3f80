import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembered } from '../../src/base/remembered.ts';

test('a short text is asked once, a long one each time, and what is kept has a bound', () => {
  const asked: string[] = [];
  const lengthOf = remembered(
    (text) => {
      asked.push(text);
      return text.length;
    },
    2,
    3,
  );
  const texts = ['ab', 'ab', '', '', 'long', 'long', '\xff', 'ab'];
  assert.deepEqual(
    texts.map((text) => lengthOf(text)),
    [2, 2, 0, 0, 4, 4, 1, 2],
  );
  // The third short text made all others be forgotten.
  assert.deepEqual(asked, ['ab', '', 'long', 'long', '\xff', 'ab']);
});
