import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createThrottleWords } from '../../src/throttle/layout.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { FakeTime, openQueue, TestWaiter } from './support.ts';

interface Held {
  readonly waiter: TestWaiter;
  readonly queue: number;
  readonly key: string;
  readonly enteredMs: number;
}

/** Requests of each key that wait in one queue. */
function countsOf(waiting: readonly Held[], queue: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const held of waiting) if (held.queue === queue) counts.set(held.key, (counts.get(held.key) ?? 0) + 1);
  return counts;
}

/**
 * Whatever comes and goes: each waiter is called once or leaves, bounds hold, nobody waits past its deadline, one key's
 * requests go in order, and nothing is left behind.
 */
test('queues of two threads keep their books', (t) => {
  const step = fc.record({
    do: fc.constantFrom('enter', 'enter', 'enter', 'leave', 'time'),
    thread: fc.integer({ min: 0, max: 1 }),
    key: fc.integer({ min: 0, max: 4 }).map((key) => `k${key}`),
    pick: fc.nat(1_000),
    ms: fc.integer({ min: 1, max: 30 }),
  });
  let [admitted, late, evicted, left] = [0, 0, 0, 0];
  fc.assert(
    fc.property(
      fc.record({
        requests: fc.constantFrom(3, 20, 100, 2_000),
        perMs: fc.constant(1_000),
        burst: fc.integer({ min: 1, max: 4 }),
      }),
      fc.record({
        queueMax: fc.integer({ min: 0, max: 6 }),
        queuePerKeyMax: fc.integer({ min: 1, max: 8 }),
        deadlineMs: fc.integer({ min: 1, max: 80 }),
      }),
      fc.array(step, { maxLength: 150, size: 'max' }),
      (rate, bounds, steps) => {
        const time = new FakeTime(1_000);
        const words = createThrottleWords();
        const queues = [0, 1].map((thread) => openQueue(words, thread, time, rate, bounds));
        let waiting: Held[] = [];
        let permits = 0;
        const ended = (what: string, waiter: TestWaiter, nowMs: number): void => {
          const held = waiting.find((one) => one.waiter === waiter) as Held;
          assert.ok(held, `${what} for one that does not wait`);
          const earlier = waiting.filter(({ queue, key }) => queue === held.queue && key === held.key);
          if (what === 'full') {
            assert.equal(earlier.at(-1), held, 'the newest makes room');
            const counts = countsOf(waiting, held.queue);
            assert.equal(counts.get(held.key), Math.max(...counts.values()), 'of the key with the most');
            const comes = waiting.at(-1) as Held;
            assert.ok((counts.get(held.key) as number) > (counts.get(comes.key) as number), 'for one with fewer');
          } else assert.equal(earlier[0], held, 'one key goes in order');
          assert.ok(nowMs - held.enteredMs <= bounds.deadlineMs, `${what} after ${nowMs - held.enteredMs} ms`);
          waiting = waiting.filter((one) => one !== held);
          if (what === 'go') permits += 1;
          if (what === 'go') admitted += 1;
          else if (what === 'late') late += 1;
          else evicted += 1;
        };
        for (const { do: action, thread, key, pick, ms } of steps) {
          const queue = queues[thread] as (typeof queues)[0];
          if (action === 'time') {
            time.advance(ms);
          } else if (action === 'leave') {
            const held = waiting[pick % Math.max(1, waiting.length)];
            if (held === undefined) continue;
            queues[held.queue]?.leave(held.waiter);
            waiting = waiting.filter((one) => one !== held);
            left += 1;
          } else {
            const waiter = new TestWaiter(key, ended);
            const held = { waiter, queue: thread, key, enteredMs: time.nowMs };
            waiting.push(held);
            const entry = queue.enter(key, waiter, time.nowMs);
            if (entry !== 'wait') waiting = waiting.filter((one) => one !== held);
            if (entry === 'go') permits += 1;
            if (entry === 'full') {
              const counts = countsOf(waiting, thread);
              const own = counts.get(key) ?? 0;
              const isFull = queue.length >= bounds.queueMax && Math.max(0, ...counts.values()) < own + 2;
              assert.ok(own >= bounds.queuePerKeyMax || isFull, 'refused although there was room');
            }
          }
          for (const [index, { length, keys }] of queues.entries()) {
            const here = waiting.filter((one) => one.queue === index);
            assert.equal(length, here.length);
            assert.equal(keys, new Set(here.map((one) => one.key)).size);
            assert.ok(length <= bounds.queueMax);
          }
          const most =
            rate.burst + ((time.nowMs - 1_000) * rate.requests) / rate.perMs + (100 * rate.requests) / rate.perMs;
          assert.ok(permits <= most, `${permits} permits, ${most} allowed`);
        }
        time.advance(bounds.deadlineMs + 1);
        assert.deepEqual([waiting.length, queues[0]?.length, queues[1]?.length], [0, 0, 0]);
      },
    ),
    fuzzRun(t, 500),
  );
  t.diagnostic(`${admitted} admitted, ${late} late, ${evicted} made room, ${left} left`);
  for (const count of [admitted, late, evicted, left]) assert.ok(count > 20, `${count}`);
});
