import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { bucketWord, createLimiterWords, LOCK, SLOTS_PER_BUCKET, TAKEN } from '../../src/limiter/layout.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';
import type { HammerAnswer, HammerData } from './hammer-thread.ts';

const THREADS = 4;
/** As in hammer-thread.ts, which cannot be imported: it runs. */
const ROUND_MS = 20_000_000;
const TURN_WINDOW_MS = 100;

function startThread(data: HammerData): Worker {
  return new Worker(new URL('./hammer-thread.js', import.meta.url), { workerData: data });
}

/** Runs all rounds on all threads, with a sweep of this thread all the while. @returns  Answers by round. */
async function hammer(
  options: Omit<HammerData, 'board' | 'words' | 'thread'>,
  slots: number,
): Promise<{ answers: HammerAnswer[][]; table: LimiterTable }> {
  const board = new Int32Array(new SharedArrayBuffer(8));
  const words = createLimiterWords(slots, 0);
  const table = new LimiterTable(words);
  const answers: HammerAnswer[][] = [];
  const failures: unknown[] = [];
  const workers = Array.from({ length: THREADS }, (_, thread) => startThread({ ...options, board, words, thread }));
  for (const worker of workers) {
    worker.on('error', (error) => failures.push(error));
    worker.on('message', (answer: HammerAnswer) => answers[answer.round - 1]?.push(answer));
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    const ofRound: HammerAnswer[] = [];
    answers.push(ofRound);
    Atomics.store(board, 1, 0);
    Atomics.store(board, 0, round);
    Atomics.notify(board, 0);
    while (ofRound.length < THREADS) {
      assert.deepEqual(failures, []);
      table.sweep(0, slots / SLOTS_PER_BUCKET, round * ROUND_MS + Atomics.load(board, 1));
      await nextTurn();
    }
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { answers, table };
}

/** Admitted in a round, by key. */
function sums(answers: readonly HammerAnswer[]): number[] {
  const counts = new Array<number>(answers[0]?.admitted.length ?? 0).fill(0);
  for (const { admitted } of answers) {
    for (const [key, count] of admitted.entries()) counts[key] = (counts[key] as number) + count;
  }
  return counts;
}

test('4 threads on one key: admitted equals the limit, to the request, in 100 of 100 rounds', async (t) => {
  const options = { job: 'take', rounds: 100, takes: 5_000, keys: 1, limit: 10_000 } as const;
  const { answers } = await hammer(options, 1_024);
  const exact = answers.filter((ofRound) => sums(ofRound)[0] === 10_000).length;
  t.diagnostic(`${exact} of 100 rounds exact; 20,000 tries a round`);
  assert.equal(exact, 100);
});

test('4 threads on 1,000 keys at random: never over, and exact where enough was asked', async (t) => {
  const options = { job: 'take', rounds: 20, takes: 50_000, keys: 1_000, limit: 100 } as const;
  const { answers } = await hammer(options, 2_048);
  const counts = answers.flatMap(sums);
  t.diagnostic(`${counts.length} counts, highest ${Math.max(...counts)}, lowest ${Math.min(...counts)}`);
  assert.equal(counts.length, 20_000);
  assert.ok(counts.every((count) => count === 100));
});

test('4 threads claim keys for the first time, a limit of 1: one request of each is admitted', async (t) => {
  const options = { job: 'take', rounds: 50, takes: 20_000, keys: 1_200, limit: 1 } as const;
  const { answers, table } = await hammer(options, 2_048);
  const counts = answers.flatMap(sums);
  t.diagnostic(`${counts.length} keys, ${table.reclaimed} slots taken back meanwhile`);
  assert.equal(table.foundFull, 0);
  assert.ok(table.reclaimed > 50_000);
  assert.deepEqual(
    counts.filter((count) => count !== 1),
    [],
  );
});

test('4 threads across many windows and pauses: never more than a window and its weighted predecessor allow', async (t) => {
  const limit = 50;
  const options = { job: 'turn', rounds: 10, takes: 40_000, keys: 1, limit } as const;
  const { answers } = await hammer(options, 64);
  let [windows, admitted, full] = [0, 0, 0];
  for (const ofRound of answers) {
    const elapsedBy = new Map<number, number[]>();
    for (const answer of ofRound) {
      for (const [i, window] of answer.windows.entries()) {
        const elapsed = elapsedBy.get(window) ?? [];
        elapsed.push(answer.elapsed[i] as number);
        elapsedBy.set(window, elapsed);
      }
    }
    for (const [window, elapsed] of elapsedBy) {
      const before = elapsedBy.get(window - 1)?.length ?? 0;
      elapsed.sort((a, b) => a - b);
      // Of those admitted until then, one was the last; it saw all others, and all of the window before.
      for (const [i, ms] of elapsed.entries()) {
        const weighted = before * (TURN_WINDOW_MS - ms) + (i + 1) * TURN_WINDOW_MS;
        if (elapsed[i + 1] === ms) continue;
        assert.ok(weighted <= limit * TURN_WINDOW_MS, `window ${window}: ${before} before, ${i + 1} until ${ms} ms`);
      }
      windows += 1;
      admitted += elapsed.length;
      if (elapsed.length === limit) full += 1;
    }
  }
  t.diagnostic(`${windows} windows, ${admitted} admitted, ${full} windows full`);
  assert.ok(windows > 1_000 && full > 20);
});

test('a thread that is terminated in the middle does not stop the others', { timeout: 100_000 }, async (t) => {
  const board = new Int32Array(new SharedArrayBuffer(8));
  // Four buckets: somebody holds the lock of each nearly always.
  const words = createLimiterWords(32, 0);
  const table = new LimiterTable(words);
  const start = (thread: number): Worker =>
    startThread({ words, board, job: 'endless', rounds: 1, takes: 0, keys: 1, limit: 1, thread });
  Atomics.store(board, 0, 1);
  const last = start(0);
  for (let victim = 1; victim <= 12; victim += 1) {
    const worker = start(victim);
    await moveOn(table);
    await worker.terminate();
    await moveOn(table);
  }
  await last.terminate();
  const held = [0, 1, 2, 3].filter((bucket) => ((words[bucketWord(bucket) + LOCK] as number) & 1) === 1).length;
  t.diagnostic(`${table.reclaimed} slots taken back; ${held} locks left held`);
  const counter = new SlidingWindow(table);
  const hash = new KeyHash(1, 1);
  // Later than all threads, and near enough for the clock of 32 bits.
  const farMs = 100_000_000_000;
  const answers = Array.from({ length: 16 }, (_, i) => {
    hash.hash(`after ${i}`, 1);
    counter.at(farMs, farMs);
    return counter.take(hash.high, hash.low, { limit: 1, windowMs: 100 }, 1, false);
  });
  assert.deepEqual(answers, new Array(16).fill(0));
});

test('the lock and the half-made slot of a dead thread are taken over', () => {
  const words = createLimiterWords(8, 0);
  const table = new LimiterTable(words);
  const lock = bucketWord(0) + LOCK;
  words[lock] = 77;
  for (let slot = 0; slot < SLOTS_PER_BUCKET; slot += 1) words[bucketWord(0) + slot] = TAKEN;
  const slots = Array.from({ length: 9 }, (_, i) => table.slotOf(100 + i, i, 1_000, 50, 5));
  assert.equal(new Set(slots).size, 9, 'eight slots, and none for the ninth');
  assert.equal(slots[8], -1);
  assert.equal((words[lock] as number) & 1, 0, 'given back');
});

async function moveOn(table: LimiterTable): Promise<void> {
  const before = table.reclaimed;
  while (table.reclaimed - before < 1_000) await nextTurn();
}
