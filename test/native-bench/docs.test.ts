import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHOICES, choiceLine } from '../../native-bench/choices.ts';
import { pageOf } from '../../native-bench/docs.ts';
import { MODULES } from '../../native-bench/modules.ts';
import type { NativeRun } from '../../native-bench/results.ts';

// dist/test/native-bench/docs.test.js -> project
const project = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/native.md', project), 'utf8');
const file = /\[(native-bench\/runs\/[\d-]+\.json)\]/.exec(page)?.[1] ?? '';
const run = JSON.parse(readFileSync(new URL(file, project), 'utf8')) as NativeRun;

test('docs/native.md is what the run that it names gives', () => {
  assert.equal(page, pageOf(run, file));
});

test('the run is a whole one, and every way of it did its work', () => {
  assert.deepEqual(
    run.benches.map(({ name }) => name),
    [...MODULES],
  );
  for (const { rows } of run.benches)
    for (const { ways } of rows) for (const way of ways) assert.ok(way.operations > 0);
});

test('where the figures are the reason, the run bears them out', () => {
  for (const choice of CHOICES) {
    const [bench, name] = choice.row;
    const row = run.benches.find((one) => one.name === bench)?.rows.find((one) => one.name === name);
    const cost = (way: string) => row?.ways.find((one) => one.name === way)?.cpuUs.median ?? Number.NaN;
    // Equal within the noise of a run is a reason too, where something else speaks for what is used.
    if (choice.figuresAre === 'reason') assert.ok(cost(choice.ours) < cost(choice.rival) * 1.1, choice.job);
    else assert.ok(cost(choice.ours) > cost(choice.rival), choice.job);
  }
});

test('a row that a run does not have is an error, not a blank', () => {
  const [choice] = CHOICES;
  assert.ok(choice !== undefined);
  assert.throws(() => choiceLine({ ...run, benches: [] }, choice), /the run has no "@rx"/);
});
