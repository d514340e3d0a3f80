import { KeyHash } from '../src/limiter/key-hash.ts';
import { timerAlarm } from '../src/throttle/alarm.ts';
import { ConcurrencyGate } from '../src/throttle/concurrency.ts';
import { ConcurrencyKeeper } from '../src/throttle/concurrency-keeper.ts';
import { Waiter } from '../src/throttle/flows.ts';
import { createMemoryWord, Shedder } from '../src/throttle/shedder.ts';
import { ThrottleKeeper } from '../src/throttle/throttle-keeper.ts';
import { Throttles, throttlePlan } from '../src/throttle/throttles.ts';

/**
 * Nanoseconds per decision: a throttle with permits to spare, one with a queue, the concurrency gate, shedding. Keys
 * vary; counts prove that the work was done. Run: node dist/native-bench/throttle.js
 */
const STEPS = 200_000;
const ROUNDS = 10;
const KEYS = 1_024;
const THREADS = 4;

const keys = Array.from({ length: KEYS }, (_, key) => `10.${key % 7}.${key >> 8}.${key & 255}`);
let admitted = 0;

/** Asks for the next permit as soon as it has one. */
class Again extends Waiter {
  readonly key: string;

  constructor(key: string) {
    super();
    this.key = key;
  }

  override admit(): void {
    admitted += 1;
    queue.enter(this.key, this, nowMs);
  }

  override refuse(reason: string): void {
    throw new Error(`${this.key} was refused: ${reason}`);
  }
}

let nowMs = 1_000;
const keeper = new ThrottleKeeper();
const throttles = Array.from(
  { length: THREADS },
  (_, thread) =>
    new Throttles(
      keeper.words,
      thread,
      (one, two) => new KeyHash(one, two),
      timerAlarm,
      () => nowMs,
    ),
)[0] as Throttles;
const plan = throttlePlan(
  't',
  {
    requests: 1_000_000,
    perMs: 1_000,
    burst: 1,
    key: ['address'],
    perRoute: false,
    queueMax: 100_000,
    queuePerKeyMax: 100_000,
    deadlineMs: 600_000,
  },
  'r',
);
const queue = throttles.queue(plan, keeper.assign([plan], nowMs).get(plan.identity) as number);
const idle = new Again('');
measure('throttle, a permit is due', (step) => {
  nowMs += 0.002;
  return queue.enter(keys[step % KEYS] as string, idle, nowMs) === 'go' ? 1 : 0;
});
for (const waiting of [1, 100, 1_000]) {
  while (queue.length < waiting) {
    const key = keys[queue.length] as string;
    while (queue.enter(key, new Again(key), nowMs) === 'go') admitted += 1;
  }
  measure(`throttle, wait and be admitted, ${waiting} keys wait`, () => {
    const before = admitted;
    nowMs += 0.001;
    queue.wake(nowMs);
    return admitted - before;
  });
}

const concurrency = new ConcurrencyKeeper(THREADS);
const settings = { min: 4, max: 100, windowMs: 200, minRttEveryMs: 30_000, bufferPercent: 25 };
for (const mode of ['fixed', 'adaptive'] as const) {
  const row = concurrency.assign([{ name: mode, settings: { ...settings, mode } }], 0).get(mode) as number;
  const gate = new ConcurrencyGate(concurrency.words, 0, row, mode === 'adaptive');
  measure(`concurrency, ${mode}: enter and leave`, (step) => {
    const entered = gate.enter();
    gate.leave(100, 100 + (step & 255), true);
    return entered ? 1 : 0;
  });
}
const shed = new Shedder({ loopDelayMs: 100, memoryBytes: 0 }, createMemoryWord());
measure('shedding, no overload', (step) => (shed.sheds(step & 3) ? 1 : 0));
for (let tick = 0; tick < 100; tick += 1) shed.loopDelay(150);
measure('shedding, overload', (step) => (shed.sheds(step & 3) ? 1 : 0));

function measure(name: string, step: (step: number) => number): void {
  let best = Number.POSITIVE_INFINITY;
  let count = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = process.hrtime.bigint();
    for (let i = 0; i < STEPS; i += 1) count += step(i);
    best = Math.min(best, Number(process.hrtime.bigint() - from) / STEPS);
  }
  console.log(`${name}: ${best.toFixed(1)} ns, count ${count}`);
}
