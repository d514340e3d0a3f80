import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coalesced } from '../../src/base/coalesce.ts';

interface Run {
  readonly resolve: (value: number) => void;
  readonly reject: (error: Error) => void;
}

function rig(): { ask: () => Promise<number>; runs: Run[] } {
  const runs: Run[] = [];
  const ask = coalesced(() => new Promise<number>((resolve, reject) => void runs.push({ resolve, reject })));
  return { ask, runs };
}

const settle = (): Promise<void> => new Promise(setImmediate);

test('a run begins within the call', () => {
  const { ask, runs } = rig();
  void ask();
  assert.equal(runs.length, 1);
});

test('all who ask during a run share one more, begun when it has ended', async () => {
  const { ask, runs } = rig();
  const first = ask();
  const later = [ask(), ask(), ask()];
  await settle();
  assert.equal(runs.length, 1);
  runs[0]?.resolve(1);
  assert.equal(await first, 1);
  await settle();
  assert.equal(runs.length, 2);
  const last = ask();
  runs[1]?.resolve(2);
  assert.deepEqual(await Promise.all(later), [2, 2, 2]);
  await settle();
  assert.equal(runs.length, 3, 'one asked for during the second run');
  runs[2]?.resolve(3);
  assert.equal(await last, 3);
  void ask();
  assert.equal(runs.length, 4);
});

test('who asks in the moment between two runs shares the second: never two at once', async () => {
  const { ask, runs } = rig();
  const first = ask();
  const between = first.then(() => ask());
  const second = ask();
  runs[0]?.resolve(1);
  await settle();
  assert.equal(runs.length, 2);
  runs[1]?.resolve(2);
  assert.deepEqual(await Promise.all([first, second, between]), [1, 2, 2]);
  assert.equal(runs.length, 2);
});

test('a run that failed fails those who asked for it alone', async () => {
  const { ask, runs } = rig();
  const first = ask();
  const second = ask();
  runs[0]?.reject(new Error('planted'));
  await assert.rejects(first, /planted/);
  await settle();
  runs[1]?.resolve(2);
  assert.equal(await second, 2);
});
