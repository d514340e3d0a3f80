import { parentPort, workerData } from 'node:worker_threads';
import { KeyHash } from '../../../src/limiter/key-hash.ts';
import { CollectionTable } from '../../../src/waf/collections/table.ts';

/** Writes without end, until it is ended. */
const table = new CollectionTable(workerData as Int32Array, new KeyHash(1, 2));
parentPort?.postMessage('begun');
for (let i = 0; ; i += 1) {
  const handle = table.open('ip', String(i % 200));
  table.set(handle, 'x', 'v'.repeat((i * 31) % 2_000), 1_000_000);
  if (i % 3 === 0) table.unset(handle, 'x', 1_000_000);
}
