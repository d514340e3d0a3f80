import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareEngines, differentialReport } from './differential.ts';
import type { Executor, Observed } from './executor.ts';

function answering(ids: (name: string) => readonly number[], status = 200): Executor {
  return {
    name: 'fake',
    run: async ({ name }): Promise<Observed> => ({ status, error: null, answer: '', ids: ids(name), lines: [] }),
    close: async () => {},
  };
}

const PROBES = ['a', 'b', 'c', 'd'].map((name) => ({ name, bytes: Buffer.alloc(0) }));

test('differences by rule and kind', async () => {
  const oracle = answering((name) => (name === 'd' ? [] : [1, 2]));
  const ours = answering((name) => (name === 'a' ? [2, 1, 980170] : [1, 3]));
  const pairs = [
    { oracle, ours },
    { oracle, ours },
  ];
  const comparison = await compareEngines(PROBES, pairs);
  assert.deepEqual([comparison.requests, comparison.withIds], [4, 3]);
  assert.deepEqual(
    comparison.differences.map(({ probe, missed, surplus }) => [probe.name, missed, surplus]),
    [
      ['b', [2], [3]],
      ['c', [2], [3]],
      ['d', [], [1, 3]],
    ],
  );
  const lines = differentialReport(comparison).split('\n');
  assert.match(lines[0] ?? '', /^ +3 3 surplus +b \| c \| d$/);
  assert.match(lines[1] ?? '', /^ +2 2 missed +b \| c$/);
  assert.match(lines.at(-1) ?? '', /^4 requests, 3 with rules that held, 0 refused unasked: 3 differ; /);
});

test('other answers are a difference', async () => {
  const pair = { oracle: answering(() => []), ours: answering(() => [], 403) };
  const { differences } = await compareEngines(PROBES.slice(0, 1), [pair]);
  assert.deepEqual(
    differences.map(({ answers }) => answers),
    ['status 200 against status 403'],
  );
});

test('what the oracle’s server refuses says nothing of its rules', async () => {
  const pair = { oracle: answering(() => [], 400), ours: answering(() => [1]) };
  const { unasked, differences } = await compareEngines(PROBES, [pair]);
  assert.deepEqual([unasked, differences], [4, []]);
});
