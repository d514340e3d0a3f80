import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import type { LimiterOrder, LimiterSaid } from './limiter-thread.ts';

const SLOTS = 262_144;
const ROUND_MS = 300;

export interface LimiterPoint {
  readonly threads: number;
  readonly keys: LimiterOrder['keys'];
  readonly decisionsPerSecond: number;
  readonly cpuNsPerDecision: number;
}

/**
 * Decisions over the one shared table by 1, 2, ... threads at once, on one hot key or on 4,096.
 *
 * @returns  A point per round, kind of keys and number of threads, interleaved.
 * @throws   Error when a decision was not admitted: the limit is out of reach.
 */
export async function measureLimiter(threadCounts: readonly number[], rounds: number): Promise<LimiterPoint[]> {
  const workerData = { words: createLimiterWords(SLOTS, 0) };
  const most = Math.max(...threadCounts);
  const entry = new URL('./limiter-thread.js', import.meta.url);
  const workers = Array.from({ length: most }, () => new Worker(entry, { workerData }));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
  const points: LimiterPoint[] = [];
  try {
    // Round -1 warms.
    for (let round = -1; round < rounds; round += 1) {
      for (const keys of ['hot', 'spread'] as const) {
        for (const threads of round % 2 === 0 ? threadCounts : threadCounts.toReversed()) {
          const point = await pointOf(workers.slice(0, threads), { keys, forMs: ROUND_MS });
          if (round >= 0) points.push(point);
        }
      }
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return points;
}

async function pointOf(workers: readonly Worker[], order: LimiterOrder): Promise<LimiterPoint> {
  const heard = workers.map(async (worker) => ((await once(worker, 'message')) as [LimiterSaid])[0]);
  for (const worker of workers) worker.postMessage(order);
  const said = await Promise.all(heard);
  const decisions = said.reduce((sum, one) => sum + one.decisions, 0);
  if (said.some((one) => one.admitted !== one.decisions)) throw new Error('a decision was refused below its limit');
  return {
    threads: workers.length,
    keys: order.keys,
    decisionsPerSecond: said.reduce((sum, one) => sum + one.decisions / one.seconds, 0),
    cpuNsPerDecision: (said.reduce((sum, one) => sum + one.cpuSeconds, 0) * 1e9) / decisions,
  };
}
