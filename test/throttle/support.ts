import { KeyHash } from '../../src/limiter/key-hash.ts';
import type { Alarm } from '../../src/throttle/alarm.ts';
import { FairQueue, type QueueBounds } from '../../src/throttle/fair-queue.ts';
import { Waiter } from '../../src/throttle/flows.ts';
import { joinThrottles } from '../../src/throttle/layout.ts';
import type { Rate } from '../../src/throttle/permits.ts';

export const BOUNDS: QueueBounds = { queueMax: 1_000, queuePerKeyMax: 100, deadlineMs: 1_000 };

/** A clock that tests move, and the alarms that ring by it. */
export class FakeTime {
  nowMs: number;
  readonly #alarms: FakeAlarm[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  readonly makeAlarm = (ring: () => void): Alarm => {
    const alarm = new FakeAlarm(this, ring);
    this.#alarms.push(alarm);
    return alarm;
  };

  /** Moves on in steps, as an event loop does; rings what is due at each. */
  advance(ms: number, stepMs = 1): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + stepMs);
      for (const alarm of this.#alarms) alarm.look();
    }
  }
}

class FakeAlarm implements Alarm {
  #atMs = Number.POSITIVE_INFINITY;
  readonly #time: FakeTime;
  readonly #ring: () => void;

  constructor(time: FakeTime, ring: () => void) {
    this.#time = time;
    this.#ring = ring;
  }

  set(delayMs: number): void {
    if (!Number.isInteger(delayMs) || delayMs < 1) throw new RangeError(`an alarm in ${delayMs} ms`);
    this.#atMs = this.#time.nowMs + delayMs;
  }

  clear(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  look(): void {
    if (this.#atMs > this.#time.nowMs) return;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#ring();
  }
}

/** Writes down what became of it. */
export class TestWaiter extends Waiter {
  readonly name: string;
  readonly #log: (what: string, waiter: TestWaiter, steadyMs: number) => void;

  constructor(name: string, log: (what: string, waiter: TestWaiter, steadyMs: number) => void) {
    super();
    this.name = name;
    this.#log = log;
  }

  override admit(steadyMs: number): void {
    this.#log('go', this, steadyMs);
  }

  override refuse(reason: 'late' | 'full', steadyMs: number): void {
    this.#log(reason, this, steadyMs);
  }
}

/** A queue of a thread of its own. */
export function openQueue(
  words: Int32Array,
  threadIndex: number,
  time: FakeTime,
  rate: Rate,
  bounds: Partial<QueueBounds> = {},
): FairQueue {
  joinThrottles(words, threadIndex);
  return new FairQueue(
    {
      words,
      threadIndex,
      row: 0,
      hasher: new KeyHash(1, 2),
      makeAlarm: time.makeAlarm,
      clock: () => time.nowMs,
    },
    rate,
    { ...BOUNDS, ...bounds },
  );
}
