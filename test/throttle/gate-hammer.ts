import { parentPort, workerData } from 'node:worker_threads';
import { ConcurrencyGate } from '../../src/throttle/concurrency.ts';

export interface GateJob {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Requests inside, over all threads; threads that are there. */
  readonly inside: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
  /** They begin together. */
  readonly threads: number;
  readonly row: number;
  readonly limit: number;
  /** Times that it enters. */
  readonly entries: number;
}

export interface GateResult {
  readonly refused: number;
  readonly most: number;
}

/** Wants up to half of the places, over and over; ends with none. */
const { words, inside, thread, threads, row, limit, entries } = workerData as GateJob;
const gate = new ConcurrencyGate(words, thread, row, true);
Atomics.add(inside, 1, 1);
Atomics.notify(inside, 1);
for (let there = 0; there < threads; there = Atomics.load(inside, 1)) Atomics.wait(inside, 1, there, 30_000);
let [held, entered, refused, most] = [0, 0, 0, 0];
for (let request = 0; entered < entries; request += 1) {
  if (gate.enter()) {
    entered += 1;
    held += 1;
    most = Math.max(most, Atomics.add(inside, 0, 1) + 1);
  } else {
    refused += 1;
  }
  if (held > limit / 2 || (held > 0 && request % 5 === thread)) leave();
}
while (held > 0) leave();
const result: GateResult = { refused, most };
parentPort?.postMessage(result);

function leave(): void {
  held -= 1;
  Atomics.sub(inside, 0, 1);
  gate.leave(1_000, 1_000 + (entered % 50), true);
}
