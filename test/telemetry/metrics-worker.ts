import { parentPort, workerData } from 'node:worker_threads';
import { ThreadMetrics } from '../../src/telemetry/metrics.ts';

/** What one worker does to its stripe; the test knows the totals. */
const { table, index, rounds } = workerData as { table: SharedArrayBuffer; index: number; rounds: number };
const metrics = new ThreadMetrics(table, index);
for (let i = 0; i < rounds; i++) {
  metrics.inFlight(1);
  metrics.request((i % 5) - 1, 200 + (i % 4) * 100, i % 20_000, i % 3 === 0 ? -1 : i % 700, 3, 7);
  metrics.error('SP_UPSTREAM_TIMEOUT');
  metrics.upstreamRequest(i % 8, i % 2 === 0 ? 200 : 0);
  metrics.inFlight(-1);
}
metrics.websockets(2);
parentPort?.postMessage('done');
