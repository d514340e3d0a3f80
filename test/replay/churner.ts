import { parentPort, workerData } from 'node:worker_threads';
import { ReplayTable } from '../../src/replay/replay-table.ts';

/** Claims without end, until it is ended. */
const table = new ReplayTable(workerData as Int32Array);
parentPort?.postMessage('begun');
for (let i = 0; ; i += 1) {
  const nowMs = 1_000_000 + i;
  table.claim(5, i | 0, nowMs + 100, nowMs);
}
