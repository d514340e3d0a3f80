import { parentPort, workerData } from 'node:worker_threads';
import { BanTable } from '../../src/abuse/ban-table.ts';
import type { BanMade } from '../../src/abuse/wire.ts';
import { meet } from '../support/hammer.ts';
import type { HammerJob, HammerResult } from './hammer-job.ts';
import { judgeOf } from './support.ts';

/** A thread that waits at a gate before each round and then does its share as fast as it can. */
const place = workerData as HammerJob;
const { job, banWords, limiterWords, gate, thread, rounds, abuse } = place;
const words = new Int32Array(gate);
const made: BanMade[] = [];
const judge = judgeOf(banWords, limiterWords, abuse, (ban) => made.push(ban));
const table = new BanTable(banWords);
const result: HammerResult = { perRound: [], wrong: 0, missed: 0 };

for (let round = 0; round < rounds; round += 1) {
  meet(words, place, round);
  if (job === 'one-key') {
    for (let i = 0; i < 200; i += 1) judge.ended({ client: '192.0.2.1' }, 404, null, 1_000_000 + round * 2_500);
  } else if (thread === 0) {
    look(round);
  } else {
    churn(round);
  }
  meet(words, place, round);
  result.perRound.push(made.length);
  made.length = 0;
}
parentPort?.postMessage(result);

/** Bans and gives up keys without end: 64 slots for thousands of keys. */
function churn(round: number): void {
  for (let i = 0; i < 20_000; i += 1) {
    // Every eighth one in the chain of the key that is looked for.
    const low = i % 8 === 0 ? i * 64 : i * 64 + (i % 64);
    table.set(0x5000_0000 + thread, low | 0, 1_000 + (i % 7) * 100, 10_000, 1, round);
  }
}

/** Looks for a key that is always banned, and for ones that never are, in the same chains. */
function look(round: number): void {
  for (let i = 0; i < 400_000; i += 1) {
    if (table.leftMs(77, 64, round) === 0) result.missed += 1;
    if (table.leftMs(78, ((i & 0xfff) * 64) | 0, round) !== 0) result.wrong += 1;
  }
}
