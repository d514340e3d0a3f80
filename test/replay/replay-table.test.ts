import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { createReplayWords, IN_USE, LOCK } from '../../src/replay/layout.ts';
import { ReplayTable } from '../../src/replay/replay-table.ts';
import { hammer } from './hammer-job.ts';

const NOW = 1_800_000_000_000;

test('an id is new once, and again when it is over', () => {
  const table = new ReplayTable(createReplayWords(1_024));
  assert.equal(table.claim(1, 2, NOW + 60_000, NOW), 'new');
  assert.equal(table.claim(1, 2, NOW + 60_000, NOW), 'seen');
  assert.equal(table.claim(2, 2, NOW + 60_000, NOW), 'new', 'another id in the same chain');
  assert.equal(table.claim(1, 2, NOW + 99_000, NOW + 59_999), 'seen', 'until the end');
  assert.equal(table.claim(1, 2, NOW + 99_000, NOW + 60_000), 'new');
  assert.deepEqual([table.inUse, table.seen, table.full], [1, 2, 0], 'what is over is gone');
});

test('what is over, and what ends at no time, is never new', () => {
  const table = new ReplayTable(createReplayWords(1_024));
  assert.equal(table.claim(1, 1, NOW, NOW), 'seen');
  assert.equal(table.claim(1, 1, Number.NaN, NOW), 'seen');
  assert.equal(table.claim(1, 1, Number.POSITIVE_INFINITY, NOW), 'new');
  assert.equal(table.claim(1, 1, Number.POSITIVE_INFINITY, NOW + 3_000_000_000), 'seen');
});

test('a full table refuses, and takes new ones as soon as the oldest are over', () => {
  const table = new ReplayTable(createReplayWords(1_024));
  for (let i = 0; i < 1_024; i += 1) assert.equal(table.claim(9, i, NOW + 1_000 + i * 1_000, NOW), 'new');
  assert.equal(table.claim(10, 1, NOW + 60_000, NOW), 'full');
  assert.equal(table.claim(9, 5, NOW + 60_000, NOW), 'seen', 'what is there is still known');
  assert.deepEqual([table.inUse, table.full], [1_024, 1]);
  assert.equal(table.claim(10, 1, NOW + 60_000, NOW + 1_000), 'new');
  assert.equal(table.inUse, 1_024);
});

test('after a flood the table empties by itself while claims go on', () => {
  const table = new ReplayTable(createReplayWords(1_024));
  for (let i = 0; i < 1_024; i += 1) table.claim(9, i, NOW + 1_000, NOW);
  for (let i = 0; i < 342; i += 1) assert.equal(table.claim(11, i, NOW + 9_000, NOW + 2_000), 'new');
  assert.equal(table.inUse, 342, 'four leave for each that comes');
});

test('fast-check: any claims at any times end as in a Map', () => {
  const claims = fc.array(
    fc.record({ id: fc.nat(30), afterMs: fc.nat(3_000), lastsMs: fc.integer({ min: -1_000, max: 8_000 }) }),
    { maxLength: 300, size: 'max' },
  );
  let cases = 0;
  fc.assert(
    fc.property(claims, (list) => {
      const table = new ReplayTable(createReplayWords(1_024));
      const model = new Map<number, number>();
      let nowMs = NOW;
      for (const { id, afterMs, lastsMs } of list) {
        nowMs += afterMs;
        const second = Math.floor(nowMs / 1_000);
        const until = Math.ceil((nowMs + lastsMs) / 1_000);
        const expected = until <= second || (model.get(id) ?? 0) > second ? 'seen' : 'new';
        if (expected === 'new') model.set(id, until);
        // Few low halves: chains are long.
        assert.equal(table.claim(id, id % 4, nowMs + lastsMs, nowMs), expected);
        cases += 1;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(cases > 3_000, `${cases} claims`);
});

test('four threads that claim the same ids: each is new once, over all of them', async () => {
  const [rounds, perRound] = [20, 2_000];
  const words = createReplayWords(8_192);
  const results = await hammer({ job: 'same', replayWords: words, threads: 4, rounds, perRound });
  const sum = (of: 'fresh' | 'seen' | 'full') => results.reduce((total, result) => total + result[of], 0);
  assert.deepEqual([sum('fresh'), sum('seen'), sum('full')], [rounds * perRound, 3 * rounds * perRound, 0]);
  assert.equal(new ReplayTable(words).seen, 3 * rounds * perRound);
});

test('four threads with ids of their own among shared ones: exact, and a table too small lets none through', async () => {
  const [rounds, perRound] = [10, 2_000];
  const results = await hammer({ job: 'own', replayWords: createReplayWords(16_384), threads: 4, rounds, perRound });
  const sum = (of: 'fresh' | 'seen' | 'full') => results.reduce((total, result) => total + result[of], 0);
  // Of each thread's ids a half is its own: four halves, and the half that all share once.
  assert.equal(sum('fresh'), (rounds * perRound * 5) / 2);
  assert.equal(sum('seen'), (rounds * perRound * 3) / 2);

  const small = createReplayWords(1_024);
  const one = await hammer({ job: 'same', replayWords: small, threads: 4, rounds: 1, perRound });
  assert.equal(
    one.reduce((total, { fresh }) => total + fresh, 0),
    1_024,
  );
  assert.equal(
    one.reduce((total, { full, seen, fresh }) => total + full + seen + fresh, 0),
    4 * perRound,
  );
});

test('threads that are ended while they claim: the next one goes on, and nothing is claimed twice', async () => {
  const words = createReplayWords(1_024);
  const table = new ReplayTable(words);
  let died = 0;
  for (let round = 0; round < 40 && died < 2; round += 1) {
    const worker = new Worker(new URL('./churner.js', import.meta.url), { workerData: words });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, round % 7));
    await worker.terminate();
    if (words[LOCK] !== 0) died += 1;
    const later = NOW + round * 100_000;
    assert.equal(table.claim(7, round, later + 60_000, later), 'new');
    assert.equal(table.claim(7, round, later + 60_000, later), 'seen');
    assert.equal(words[LOCK], 0);
  }
  for (let i = 0; i < 1_000; i += 1) table.claim(8, i, NOW + 200_000_000, NOW + 100_000_000);
  assert.ok((words[IN_USE] as number) <= 1_024);
});
