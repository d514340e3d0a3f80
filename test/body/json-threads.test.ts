import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { read } from './support.ts';

const THREADS = 4;
const ROUNDS = 500;

/** @returns  How many of the bodies were judged right. */
function judge(): number {
  let right = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const body = JSON.stringify({ round, list: Array(round % 50).fill('x') });
    if (read('JSON', body).error === null) right += 1;
    if (read('JSON', body.slice(0, -1)).error !== null) right += 1;
  }
  return right;
}

if (isMainThread) {
  test('simdjson works in several threads at once, and their ends do no harm', async () => {
    const workers = Array.from({ length: THREADS }, () => new Worker(new URL(import.meta.url)));
    const rights = await Promise.all(
      workers.map(async (worker) => {
        const ended = once(worker, 'exit');
        const [right] = await once(worker, 'message');
        assert.deepEqual(await ended, [0]);
        return right;
      }),
    );
    assert.deepEqual(rights, Array(THREADS).fill(2 * ROUNDS));
    assert.equal(judge(), 2 * ROUNDS);
  });
} else {
  parentPort?.postMessage(judge());
}
