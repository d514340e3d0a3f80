import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TARGETS_MAX, THREADS_MAX } from '../../src/limits.ts';
import * as layout from '../../src/upstream/layout.ts';

test('slots and stripes lie side by side without touching', () => {
  const words = layout.openTargetTable(layout.createTargetTable(), 0);
  const owner = new Map<number, string>();
  const claim = (word: number, name: string): void => {
    assert.ok(word < words.length, `${name} lies at word ${word} of ${words.length}`);
    assert.equal(owner.get(word), undefined, `${name} shares word ${word}`);
    owner.set(word, name);
  };
  claim(layout.THREADS_WORD, 'threads');
  for (let slot = 0; slot < TARGETS_MAX; slot += 1) {
    assert.equal(layout.slotWord(slot) % 16, 0, 'a slot starts a cache line');
    for (const word of [layout.PASSIVE, layout.ACTIVE, layout.EJECTIONS, layout.LAST_END, layout.EJECTIONS_EVER]) {
      claim(layout.slotWord(slot) + word, `slot ${slot}`);
    }
  }
  for (let thread = layout.MAIN_THREAD; thread < THREADS_MAX; thread += 1) {
    assert.equal(layout.stripeWord(thread) % 16, 0, 'a stripe starts a cache line');
    for (let word = 0; word < layout.STRIPE_WORDS; word += 1)
      claim(layout.stripeWord(thread) + word, `stripe ${thread}`);
  }
  assert.equal(layout.STRIPE_WORDS, layout.STRIPE_SLOT_WORDS * TARGETS_MAX);
});

test('the table remembers the highest thread number', () => {
  const table = layout.createTargetTable();
  for (const [thread, threads] of [
    [layout.MAIN_THREAD, 0],
    [3, 4],
    [1, 4],
    [THREADS_MAX - 1, THREADS_MAX],
  ] as const) {
    assert.equal(Atomics.load(layout.openTargetTable(table, thread), layout.THREADS_WORD), threads);
  }
});

test('a table of another shape and a bad thread number are refused', () => {
  assert.throws(() => layout.openTargetTable(new SharedArrayBuffer(64), 0), /words, this 16/);
  for (const thread of [-2, THREADS_MAX, 0.5, Number.NaN]) {
    assert.throws(() => layout.openTargetTable(layout.createTargetTable(), thread), RangeError);
  }
});
