import { parentPort, workerData } from 'node:worker_threads';
import { ReplayTable } from '../../src/replay/replay-table.ts';
import { meet } from '../support/hammer.ts';
import type { HammerJob, HammerResult } from './hammer-job.ts';

/** A thread that waits at a gate before each round and then claims its share as fast as it can. */
const place = workerData as HammerJob;
const { job, replayWords, gate, thread, rounds, perRound } = place;
const words = new Int32Array(gate);
const table = new ReplayTable(replayWords);
const result: HammerResult = { fresh: 0, seen: 0, full: 0 };

for (let round = 0; round < rounds; round += 1) {
  meet(words, place, round);
  // What is claimed in a round is over in the next but one.
  const nowMs = 1_000_000 + round * 1_000;
  for (let i = 0; i < perRound; i += 1) {
    // In another order in each thread: they meet at other ids each time.
    const at = (i * 7 + thread * 13) % perRound;
    const high = job === 'own' && at % 2 === 0 ? 100 + thread : 99;
    const claimed = table.claim(high, round * perRound + at, nowMs + 2_000, nowMs);
    if (claimed === 'new') result.fresh += 1;
    else result[claimed] += 1;
  }
  meet(words, place, round);
}
parentPort?.postMessage(result);
