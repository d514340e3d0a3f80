import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KeyHash } from '../../../src/limiter/key-hash.ts';
import { createCollectionWords, FREE_BLOCKS, LOCK } from '../../../src/waf/collections/layout.ts';
import { CollectionTable } from '../../../src/waf/collections/table.ts';
import { hammer } from './hammer-job.ts';

const NOW = 1_000_000;
const THREADS = 4;

test('four threads add to one counter: the total is exact', async () => {
  const adds = 20_000;
  const words = createCollectionWords(64, 65_536);
  assert.deepEqual(await hammer({ collectionWords: words, threads: THREADS, adds, churned: 0 }), [0, 0, 0, 0]);
  const table = new CollectionTable(words, new KeyHash(1, 2));
  assert.equal(table.get(table.open('global', 'all'), 'n', NOW), String(THREADS * adds));
  for (let thread = 0; thread < THREADS; thread += 1) {
    assert.equal(table.get(table.open('ip', String(thread)), 'n', NOW), String(adds));
  }
  assert.deepEqual([table.inUse, table.evicted, table.torn], [1 + THREADS, 0, 0]);
});

test('it stays exact while collections of all lengths come and go beside it, in a table too small for them', async () => {
  const adds = 4_000;
  const words = createCollectionWords(64, 0);
  const blocks = words[FREE_BLOCKS] as number;
  assert.deepEqual(await hammer({ collectionWords: words, threads: THREADS, adds, churned: 200 }), [0, 0, 0, 0]);
  const table = new CollectionTable(words, new KeyHash(1, 2));
  assert.equal(table.get(table.open('global', 'all'), 'n', NOW), String(THREADS * adds));
  assert.ok(table.evicted > 0);
  assert.equal(table.torn, 0);
  for (let i = 0; i < 200; i += 1) {
    const other = table.open('resource', String(i));
    for (const name of table.names(other, NOW)) table.unset(other, name, NOW);
  }
  table.unset(table.open('global', 'all'), 'n', NOW);
  assert.deepEqual([table.inUse, words[FREE_BLOCKS]], [0, blocks], 'every block came back');
});

test('threads that are ended while they write: the next one goes on, and what it did not write is whole', async () => {
  const words = createCollectionWords(256, 0);
  const table = new CollectionTable(words, new KeyHash(1, 2));
  let died = 0;
  for (let round = 0; round < 40 && died < 2; round += 1) {
    const worker = new Worker(new URL('./churner.js', import.meta.url), { workerData: words });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, round % 7));
    await worker.terminate();
    if (words[LOCK] !== 0) died += 1;
    const mine = table.open('session', `mine ${round}`);
    assert.equal(table.set(mine, 'x', 'kept', NOW), true);
    assert.equal(table.get(mine, 'x', NOW), 'kept');
    assert.equal(words[LOCK], 0);
  }
  for (let i = 0; i < 1_000; i += 1) {
    const handle = table.open('session', `later ${i}`);
    table.set(handle, 'x', 'v'.repeat(i), NOW);
    assert.equal(table.get(handle, 'x', NOW), 'v'.repeat(i));
  }
  assert.ok(table.inUse <= table.capacity);
  assert.ok(table.torn <= 2, 'at most the one that was being written');
});
