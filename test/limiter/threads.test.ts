import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import type { HammerData } from './hammer-thread.ts';

const THREADS = 4;

/** @returns  Per round: how many of each key were admitted, over all threads. */
async function hammer(options: Omit<HammerData, 'board' | 'words'>, slots: number): Promise<number[][]> {
  const board = new Int32Array(new SharedArrayBuffer(8));
  const words = createLimiterWords(slots);
  const table = new LimiterTable(words);
  const sums = Array.from({ length: options.rounds }, () => new Array<number>(options.keys).fill(0));
  const workers = Array.from(
    { length: THREADS },
    () =>
      new Worker(new URL('./hammer-thread.js', import.meta.url), {
        workerData: { ...options, board, words } satisfies HammerData,
      }),
  );
  let done = 0;
  let round = 0;
  const next = (): void => {
    done = 0;
    round += 1;
    // What main does now and then, in the middle of it.
    table.sweep(0, slots / 8, round * 20_000_000);
    Atomics.store(board, 0, round);
    Atomics.notify(board, 0);
    table.sweep(0, slots / 8, round * 20_000_000);
  };
  await new Promise<void>((resolve, reject) => {
    for (const worker of workers) {
      worker.on('error', reject);
      worker.on('message', (message: { round: number; admitted: Uint32Array }) => {
        const sum = sums[message.round - 1] as number[];
        for (const [key, count] of message.admitted.entries()) sum[key] = (sum[key] as number) + count;
        done += 1;
        if (done < THREADS) return;
        if (round === options.rounds) resolve();
        else next();
      });
    }
    next();
  });
  await Promise.all(workers.map((worker) => worker.terminate()));
  return sums;
}

test('4 threads on one key: admitted equals the limit, to the request, in 100 of 100 rounds', async (t) => {
  const sums = await hammer({ rounds: 100, takes: 5_000, keys: 1, limit: 10_000 }, 1_024);
  const exact = sums.filter(([count]) => count === 10_000).length;
  t.diagnostic(`${exact} of 100 rounds exact; 20,000 tries a round`);
  assert.equal(exact, 100);
});

test('4 threads on 1,000 keys at random: never over, and exact where enough was asked', async (t) => {
  const sums = await hammer({ rounds: 20, takes: 50_000, keys: 1_000, limit: 100 }, 2_048);
  const counts = sums.flat();
  t.diagnostic(`${counts.length} counts, highest ${Math.max(...counts)}, lowest ${Math.min(...counts)}`);
  assert.ok(counts.every((count) => count === 100));
});
