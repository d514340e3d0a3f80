import { parentPort, workerData } from 'node:worker_threads';
import type { Entry } from '../../src/throttle/fair-queue.ts';
import { FakeTime, openQueue, TestWaiter } from './support.ts';
import { ARRIVED, NOW_MS, STEP, type ThreadJob, type ThreadResult } from './thread-job.ts';

/** A thread whose clock is a word that main moves on. Its senders keep their requests waiting. */
const { words, control, thread, rate, deadlineMs, senders, endMs, diesAtMs, inStep } = workerData as ThreadJob;
const time = new FakeTime(Atomics.load(control, NOW_MS));
const queue = openQueue(words, thread, time, rate, { deadlineMs });
const admitted: Record<string, number> = {};
let [late, longestMs, lengthMax] = [0, 0, 0];
const idle: string[] = [];

for (const { key, depth } of senders) {
  admitted[key] = 0;
  for (let i = 0; i < depth; i += 1) idle.push(key);
}
let step = 0;
while (time.nowMs < endMs) {
  for (const key of idle.splice(0)) send(key);
  lengthMax = Math.max(lengthMax, queue.length);
  if (diesAtMs > 0 && time.nowMs >= diesAtMs) process.exit(0);
  step = nextStep(step);
  time.advance(Math.max(0, Atomics.load(control, NOW_MS) - time.nowMs), inStep ? 1 : 1_000);
}
const result: ThreadResult = { admitted, late, longestMs, lengthMax };
parentPort?.postMessage(result);

function send(key: string): void {
  const waiter = new TestWaiter(key, (what, { enteredMs }, nowMs) => {
    longestMs = Math.max(longestMs, nowMs - enteredMs);
    if (what === 'go') admitted[key] = (admitted[key] as number) + 1;
    else late += 1;
    idle.push(key);
  });
  let entry: Entry;
  do {
    entry = queue.enter(key, waiter, time.nowMs);
    if (entry === 'go') admitted[key] = (admitted[key] as number) + 1;
  } while (entry === 'go');
  if (entry !== 'wait') {
    late += 1;
    idle.push(key);
  }
}

/** Says that this thread is through with the millisecond, and waits for the next; out of step, for the first alone. */
function nextStep(seen: number): number {
  if (!inStep && seen > 0) return seen;
  Atomics.add(control, ARRIVED, 1);
  Atomics.notify(control, ARRIVED);
  while (Atomics.load(control, STEP) === seen) {
    if (Atomics.wait(control, STEP, seen, 30_000) === 'timed-out') throw new Error(`thread ${thread} waits alone`);
  }
  return Atomics.load(control, STEP);
}
