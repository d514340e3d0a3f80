import { parentPort, workerData } from 'node:worker_threads';
import { KeyHash } from '../../../src/limiter/key-hash.ts';
import { CollectionTable } from '../../../src/waf/collections/table.ts';
import { meet } from '../../support/hammer.ts';
import type { HammerJob } from './hammer-job.ts';

const place = workerData as HammerJob;
const { collectionWords, gate, thread, adds, churned } = place;
const table = new CollectionTable(collectionWords, new KeyHash(1, 2));
const nowMs = 1_000_000;
const shared = table.open('global', 'all');
const own = table.open('ip', String(thread));
let former = 0;
let wrong = 0;

meet(new Int32Array(gate), place, 0);
for (let i = 0; i < adds; i += 1) {
  const sum = table.add(shared, 'n', 1, nowMs);
  // Sums only grow: nobody is told one twice.
  if (sum <= former) wrong += 1;
  former = sum;
  if (churned === 0) {
    if (table.add(own, 'n', 1, nowMs) !== i + 1) wrong += 1;
    continue;
  }
  const other = table.open('resource', String((i * 7 + thread) % churned));
  table.set(other, `x${thread}`, 'v'.repeat((i * 31) % 300), nowMs);
  if (i % 5 === 0) table.unset(other, 'x0', nowMs);
}
parentPort?.postMessage(wrong);
