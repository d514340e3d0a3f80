// A thread of the limiter's case: waits for the start of each round, decides for so long, says how often it did.
import { readFileSync } from 'node:fs';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

export interface LimiterThreadData {
  readonly words: Int32Array;
}

export interface LimiterOrder {
  readonly keys: 'hot' | 'spread';
  readonly forMs: number;
}

export interface LimiterSaid {
  readonly decisions: number;
  readonly admitted: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const BLOCK = 4_096;
const RULE = { limit: 1_000_000_000, windowMs: 60_000 };
const { words } = workerData as LimiterThreadData;
const hash = new KeyHash(0x1234_5678, 0x0bad_cafe);
const counter = new SlidingWindow(new LimiterTable(words));
const spread = Array.from({ length: BLOCK }, (_, n) => {
  // Each thread begins elsewhere, or all would go from line to line together.
  const at = (n + threadId * 1_021) % BLOCK;
  return Buffer.from(`10.0.${at >> 8}.${at & 255}`).toString('latin1');
});
const hot = spread.map(() => Buffer.from('192.0.2.7').toString('latin1'));

parentPort?.on('message', ({ keys, forMs }: LimiterOrder) => {
  const texts = keys === 'hot' ? hot : spread;
  const [startedAt, cpuBefore] = [performance.now(), threadCpuSeconds()];
  let [decisions, admitted] = [0, 0];
  while (performance.now() - startedAt < forMs) {
    for (let n = 0; n < BLOCK; n += 1) {
      hash.hash(texts[n] as string, 1);
      counter.at(1_000_000, 1_000_000);
      if (counter.take(hash.high, hash.low, RULE, 1, false) === 0) admitted += 1;
    }
    decisions += BLOCK;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const said: LimiterSaid = { decisions, admitted, seconds, cpuSeconds: threadCpuSeconds() - cpuBefore };
  parentPort?.postMessage(said);
});

/** Linux counts the nanoseconds that a thread ran in the first figure of its schedstat. */
function threadCpuSeconds(): number {
  return Number.parseInt(readFileSync('/proc/thread-self/schedstat', 'latin1'), 10) / 1e9;
}
