/** A thread of the hammer: waits for the start, takes as often as told, and posts how many were admitted by key. */
import { parentPort, workerData } from 'node:worker_threads';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

export interface HammerData {
  readonly words: Int32Array;
  /** Word 0: number of the round to run; word 1: threads that have finished it. */
  readonly board: Int32Array;
  readonly rounds: number;
  readonly takes: number;
  readonly keys: number;
  readonly limit: number;
}

const { words, board, rounds, takes, keys, limit } = workerData as HammerData;
const table = new LimiterTable(words);
const counter = new SlidingWindow(table);
const hash = new KeyHash(11, 22);
const rule = { limit, windowMs: 3_600_000 };

for (let round = 1; round <= rounds; round += 1) {
  for (let seen = Atomics.load(board, 0); seen < round; seen = Atomics.load(board, 0)) Atomics.wait(board, 0, seen);
  const admitted = new Uint32Array(keys);
  // A round has keys of its own, and a time long after the one before: slots are claimed and taken back meanwhile.
  const nowMs = round * 20_000_000;
  for (let i = 0; i < takes; i += 1) {
    const key = keys === 1 ? 0 : Math.floor(Math.random() * keys);
    hash.hash(`key ${key}`, round);
    if (counter.take(hash.high, hash.low, rule, 1, nowMs, nowMs, false) === 0) {
      admitted[key] = (admitted[key] as number) + 1;
    }
  }
  parentPort?.postMessage({ round, admitted });
}
