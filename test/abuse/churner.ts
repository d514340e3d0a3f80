import { parentPort, workerData } from 'node:worker_threads';
import { BanTable } from '../../src/abuse/ban-table.ts';

/** A thread that writes to the table without end, until it is ended amidst. */
const table = new BanTable(workerData as Int32Array);
parentPort?.postMessage('begins');
for (let i = 1; ; i += 1) table.set(i % 3, i % 500, 1_000 + (i % 90) * 1_000, 200_000, 1, i % 50_000);
