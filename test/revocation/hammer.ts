import { parentPort, workerData } from 'node:worker_threads';
import { RevocationTable } from '../../src/revocation/revocation-table.ts';
import { RevocationWriter } from '../../src/revocation/revocation-writer.ts';
import { meet } from '../support/hammer.ts';
import { DONE, type HammerJob, type HammerResult, NEVER, PASSING, STEADY } from './hammer-job.ts';

const place = workerData as HammerJob;
const { words, gate, thread, steady } = place;
const control = new Int32Array(gate);
const result: HammerResult = { looks: 0, missed: 0, wrong: 0 };
const NOW = 1_000_000;

if (thread === 0) write();
else read();
parentPort?.postMessage(result);

/** Adds and lifts without end around what stays, so that the halves change many times. */
function write(): void {
  const writer = new RevocationWriter(words);
  for (let i = 0; i < steady; i += 1) writer.put(STEADY, i, 0, NOW * 2, Number.POSITIVE_INFINITY);
  meet(control, place, 0);
  const kept = 256;
  for (let i = 0; i < 400_000; i += 1) {
    writer.put(PASSING, i, 1, NOW * 2, Number.POSITIVE_INFINITY);
    // In place, and to the same end.
    if (i % 64 === 0) writer.put(STEADY, i % steady, 0, NOW * 2 + i, Number.POSITIVE_INFINITY);
    if (i >= kept) writer.remove(PASSING, i - kept, 1);
  }
  Atomics.store(control, DONE, 1);
}

function read(): void {
  const table = new RevocationTable(words);
  meet(control, place, 0);
  while (Atomics.load(control, DONE) === 0) {
    for (let i = 0; i < steady; i += 1) {
      if (!table.has(STEADY, i, 0, NOW)) result.missed += 1;
      if (table.has(NEVER, i, 0, NOW)) result.wrong += 1;
      result.looks += 2;
    }
  }
}
