import { parentPort, workerData } from 'node:worker_threads';
import { DECISIONS, Decider, ROUNDS, traffic } from './run.ts';

/** A thread of the case with several: waits for each round's start, and does its share. */
export interface ThreadData {
  readonly words: Int32Array;
  /** Word 0: the round that may run. */
  readonly board: Int32Array;
  readonly thread: number;
  readonly threads: number;
  readonly keys: number;
  readonly limit: number;
}

const { words, board, thread, threads, keys, limit } = workerData as ThreadData;
const decider = new Decider(words, traffic(keys), limit);
const share = DECISIONS / threads;

parentPort?.postMessage(-1);
for (let round = 1; round <= ROUNDS; round += 1) {
  for (let seen = Atomics.load(board, 0); seen < round; seen = Atomics.load(board, 0)) Atomics.wait(board, 0, seen);
  parentPort?.postMessage(decider.decide(thread * share, (thread + 1) * share, round));
}
