/** A thread of the hammer: waits for each round's start, does its share, and posts what it has to say about it. */
import { parentPort, workerData } from 'node:worker_threads';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

export interface HammerData {
  readonly words: Int32Array;
  /** Word 0: number of the round to run. Word 1: milliseconds that the threads have moved the clock by. */
  readonly board: Int32Array;
  readonly job: 'take' | 'turn' | 'endless';
  readonly rounds: number;
  readonly takes: number;
  readonly keys: number;
  readonly limit: number;
  readonly thread: number;
}

export interface HammerAnswer {
  readonly round: number;
  /** Per key. */
  readonly admitted: Uint32Array;
  /** Job `turn`: the window that counted each admission, and how far it had gone, in milliseconds. */
  readonly windows: readonly number[];
  readonly elapsed: readonly number[];
}

/** From round to round: by then all windows of the one before have passed. */
export const ROUND_MS = 20_000_000;
export const TURN_WINDOW_MS = 100;

const { words, board, job, rounds, takes, keys, limit, thread } = workerData as HammerData;
const table = new LimiterTable(words);
const counter = new SlidingWindow(table);
const hash = new KeyHash(11, 22);
const rule = { limit, windowMs: 3_600_000 };

for (let round = 1; round <= rounds; round += 1) {
  for (let seen = Atomics.load(board, 0); seen < round; seen = Atomics.load(board, 0)) Atomics.wait(board, 0, seen);
  if (job === 'endless') claimForEver();
  parentPort?.postMessage(job === 'turn' ? turn(round) : take(round));
}

/** All in one window. A round has keys of its own: slots are claimed and taken back meanwhile. */
function take(round: number): HammerAnswer {
  const admitted = new Uint32Array(keys);
  counter.at(round * ROUND_MS, round * ROUND_MS);
  for (let i = 0; i < takes; i += 1) {
    const key = keys === 1 ? 0 : Math.floor(Math.random() * keys);
    hash.hash(`key ${key}`, round);
    if (counter.take(hash.high, hash.low, rule, 1, false) === 0) {
      admitted[key] = (admitted[key] as number) + 1;
    }
  }
  return { round, admitted, windows: [], elapsed: [] };
}

/** Over many windows, on a clock that all threads move: what each of them reads is a little old when it counts. */
function turn(round: number): HammerAnswer {
  const fast = { limit, windowMs: TURN_WINDOW_MS };
  const admitted = new Uint32Array(1);
  const windows: number[] = [];
  const elapsed: number[] = [];
  for (let i = 0; i < takes; i += 1) {
    // Now and then so far that the key comes back after a pause.
    const pauseMs = i % 4_096 === thread ? 450 : 0;
    const step = pauseMs + (i % 64 === thread ? Math.floor(Math.random() * 40) : 0);
    const nowMs = round * ROUND_MS + Atomics.add(board, 1, step);
    hash.hash('key', 1);
    counter.at(nowMs, nowMs);
    if (counter.take(hash.high, hash.low, fast, 1, false) !== 0) continue;
    admitted[0] = (admitted[0] as number) + 1;
    const { clockMs, leftMs } = counter;
    windows.push((clockMs + leftMs) / TURN_WINDOW_MS - 1);
    elapsed.push(Math.max(0, TURN_WINDOW_MS - leftMs));
  }
  return { round, admitted, windows, elapsed };
}

/** Claims and takes back slots in few buckets, so that the thread nearly always holds a lock. */
function claimForEver(): never {
  const short = { limit: 1, windowMs: 100 };
  for (let nowMs = ROUND_MS, i = 0; ; nowMs += 50, i += 1) {
    hash.hash(`own ${thread} ${i}`, 1);
    counter.at(nowMs, nowMs);
    counter.take(hash.high, hash.low, short, 1, false);
  }
}
