import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { BLOCK, DECISIONS, Decider, ROUNDS, Traffic, WARM } from './run.ts';

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
const decider = new Decider(words, limit);
const traffic = new Traffic(keys);
const block: string[] = [];
const share = DECISIONS / threads;

parentPort?.postMessage({ cpuNs: 0, admitted: 0 });
for (let round = 1; round <= WARM + ROUNDS; round += 1) {
  for (let seen = Atomics.load(board, 0); seen < round; seen = Atomics.load(board, 0)) Atomics.wait(board, 0, seen);
  let [cpuNs, admitted] = [0, 0];
  for (let from = thread * share; from < (thread + 1) * share; from += BLOCK) {
    traffic.make(from, block);
    const before = threadCpuNs();
    admitted += decider.decide(block, from, round);
    cpuNs += threadCpuNs() - before;
  }
  parentPort?.postMessage({ cpuNs, admitted });
}

/** CPU time of this thread alone, as Linux counts it: its first figure is nanoseconds. */
function threadCpuNs(): number {
  return Number.parseInt(readFileSync('/proc/thread-self/schedstat', 'latin1'), 10);
}
