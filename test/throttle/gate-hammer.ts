import { parentPort, workerData } from 'node:worker_threads';
import { ConcurrencyGate } from '../../src/throttle/concurrency.ts';

export interface GateJob {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Requests inside, over all threads. */
  readonly inside: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
  readonly row: number;
  readonly limit: number;
  readonly requests: number;
}

export interface GateResult {
  readonly entered: number;
  readonly refused: number;
  readonly most: number;
}

/** Wants up to half of the places, over and over; ends with none. */
const { words, inside, thread, row, limit, requests } = workerData as GateJob;
const gate = new ConcurrencyGate(words, thread, row, true);
let [held, entered, refused, most] = [0, 0, 0, 0];
for (let request = 0; request < requests; request += 1) {
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
const result: GateResult = { entered, refused, most };
parentPort?.postMessage(result);

function leave(): void {
  held -= 1;
  Atomics.sub(inside, 0, 1);
  gate.leave(1_000, 1_000 + (entered % 50), true);
}
