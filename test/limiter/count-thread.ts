/** Counts one key of a shared policy as often as told, then posts how often it was admitted. */
import { parentPort, workerData } from 'node:worker_threads';
import { Decision } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';

export interface CountData {
  readonly words: Int32Array;
  readonly times: number;
  readonly limit: number;
  readonly steadyMs: number;
}

const { words, times, limit, steadyMs } = workerData as CountData;
const decision = new Decision(new LimiterTable(words), new KeyHash(1, 2));
const rule = {
  salt: 0,
  windows: [{ limit, windowMs: 3_600_000 }],
  penalise: false,
  onSharedClock: true,
  isExchanged: true,
};
let admitted = 0;
for (let i = 0; i < times; i += 1) {
  decision.begin(1, steadyMs);
  decision.add(rule, 'key');
  decision.decide(false);
  if (decision.waitMs === 0) admitted += 1;
}
parentPort?.postMessage(admitted);
