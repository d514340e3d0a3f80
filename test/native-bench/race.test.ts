import assert from 'node:assert/strict';
import { test } from 'node:test';
import { race } from '../../native-bench/race.ts';

const options = { rounds: 3, turnMs: 1 };

function spin(times: number): number {
  let sum = 0;
  for (let n = 0; n < times; n += 1) sum += Math.sqrt(n) % 3;
  return sum >= 0 ? 1 : 0;
}

test('each way has a figure per round, and its ratio to the first', async () => {
  const ways = [
    { name: 'short', run: () => spin(100_000) },
    { name: 'long', run: async () => spin(2_000_000) },
  ];
  const { ways: results } = await race({ name: 'row', operations: 1, proof: 1, ways }, options);
  assert.deepEqual(
    results.map(({ name }) => name),
    ['short', 'long'],
  );
  assert.equal(results[0]?.ratio.median, 1);
  // Twenty times the work: half of that holds on any machine.
  assert.ok((results[1]?.ratio.median ?? 0) > 2, JSON.stringify(results));
});

test('a pass that did not do its work ends the run', async () => {
  const row = { name: 'row', operations: 1, proof: 7, ways: [{ name: 'lazy', run: () => 6 }] };
  await assert.rejects(race(row, options), /row, lazy: pass 0 gave 6, not 7/);
});

test('passes are numbered, begun, and counted where a turn has so many', async () => {
  const begun: number[] = [];
  const way = { name: 'counted', begin: (pass: number) => void begun.push(pass), run: (pass: number) => pass };
  const result = await race({ name: 'row', operations: 10, proof: (pass) => pass, passes: 2, ways: [way] }, options);
  assert.deepEqual(begun, [...begun.keys()]);
  assert.equal(result.ways[0]?.operations, begun.length * 10);
});
