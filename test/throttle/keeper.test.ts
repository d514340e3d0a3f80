import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { THROTTLE_ROWS_MAX } from '../../src/limits.ts';
import { LOWEST, PERMITS, rowWord, stripeWord } from '../../src/throttle/layout.ts';
import { ThrottleKeeper } from '../../src/throttle/throttle-keeper.ts';
import { Throttles, throttlePlan } from '../../src/throttle/throttles.ts';
import { FakeTime, TestWaiter } from './support.ts';

const CONFIG = {
  requests: 10,
  perMs: 1_000,
  burst: 1,
  key: ['address'],
  perRoute: false,
  queueMax: 5,
  queuePerKeyMax: 5,
  deadlineMs: 1_000,
};
const makeHash = (seed0: number, seed1: number) => new KeyHash(seed0, seed1);

test('a throttle is the same one over routes and reloads as long as its rate is', () => {
  const identity = (changes: object, route = 'r') => throttlePlan('t', { ...CONFIG, ...changes }, route).identity;
  assert.equal(identity({ queueMax: 9, deadlineMs: 7 }, 'other'), identity({}));
  for (const changes of [{ requests: 11 }, { perMs: 2 }, { burst: 2 }, { key: ['host'] }, { perRoute: true }]) {
    assert.notEqual(identity(changes), identity({}), JSON.stringify(changes));
  }
  assert.notEqual(identity({ perRoute: true }, 'a'), identity({ perRoute: true }, 'b'));
  assert.notEqual(throttlePlan('u', CONFIG, 'r').identity, identity({}));
});

test('a queue lives on over a reload with new bounds; who waited before waits on', () => {
  const time = new FakeTime(50_000);
  const keeper = new ThrottleKeeper();
  const throttles = new Throttles(keeper.words, 3, makeHash, time.makeAlarm, () => time.nowMs);
  const plan = throttlePlan('t', CONFIG, 'r');
  const row = keeper.assign([plan], time.nowMs).get(plan.identity) as number;
  const queue = throttles.queue(plan, row);
  const seen: string[] = [];
  const enter = () => queue.enter('k', new TestWaiter('w', (what) => seen.push(what)), time.nowMs);
  assert.deepEqual([enter(), enter(), enter()], ['go', 'wait', 'wait']);
  const changed = throttlePlan('t', { ...CONFIG, queueMax: 2 }, 'r');
  assert.equal(keeper.assign([changed, changed], time.nowMs).get(changed.identity), row);
  assert.equal(throttles.queue(changed, row), queue);
  assert.equal(keeper.waiting(row), 2);
  assert.equal(enter(), 'full');
  time.advance(250);
  assert.deepEqual(seen, ['go', 'go']);
  enter();
  assert.equal(keeper.waiting(row), 1);
  keeper.clearThread(3);
  assert.equal(keeper.waiting(row), 0);
  throttles.close();
  assert.deepEqual(seen, ['go', 'go', 'full']);
});

test('rows are given anew after a rest, not while something waits, and refused past the cap', () => {
  const time = new FakeTime(1_000);
  const keeper = new ThrottleKeeper();
  const throttles = new Throttles(keeper.words, 0, makeHash, time.makeAlarm, () => time.nowMs);
  const plans = (generation: number) =>
    Array.from({ length: THROTTLE_ROWS_MAX }, (_, i) =>
      throttlePlan(`g${generation}-${i}`, { ...CONFIG, perMs: 60_000, deadlineMs: 600_000 }, 'r'),
    );
  const first = plans(1);
  const rows = keeper.assign(first, time.nowMs);
  assert.equal(new Set(rows.values()).size, THROTTLE_ROWS_MAX);
  const [plan] = first as [(typeof first)[0]];
  const queue = throttles.queue(plan, 0);
  const waiter = new TestWaiter('w', () => {});
  assert.deepEqual([queue.enter('k', waiter, time.nowMs), queue.enter('k', waiter, time.nowMs)], ['go', 'wait']);
  const overfull = { code: 'SP_CONFIG', message: /^throttles: 1024 are in use/ };
  assert.throws(() => keeper.assign(plans(2), time.nowMs), overfull);
  assert.equal(keeper.assign(first, time.nowMs).get(plan.identity), 0, 'the refused ones changed nothing');
  keeper.assign([plan], time.nowMs);
  assert.throws(() => keeper.assign(plans(2), time.nowMs + 59_000), overfull);
  keeper.assign([], time.nowMs);
  assert.throws(() => keeper.assign(plans(2), time.nowMs + 61_000), overfull, 'one waits in row 0');
  queue.leave(waiter);
  const second = plans(2);
  const again = keeper.assign(second, time.nowMs + 61_000);
  assert.equal(new Set(again.values()).size, THROTTLE_ROWS_MAX);
  time.nowMs += 61_000;
  const successor = second.find(({ identity }) => again.get(identity) === 0);
  assert.ok(successor);
  assert.notEqual(throttles.queue(successor, 0), queue);
  assert.equal(queue.enter('k', waiter, time.nowMs), 'full', 'the former queue of the row is closed');
});

test('a new row begins with its whole burst, whatever was in its word', () => {
  const time = new FakeTime(70_000);
  for (const left of [0, 1, 2 ** 29, -1, -(2 ** 31)]) {
    const plan = throttlePlan(`t${left}`, { ...CONFIG, burst: 3, queueMax: 0 }, 'r');
    const keeper = new ThrottleKeeper();
    const throttles = new Throttles(keeper.words, 0, makeHash, time.makeAlarm, () => time.nowMs);
    // The first one that is given out.
    keeper.words[rowWord(0) + PERMITS] = left;
    const queue = throttles.queue(plan, keeper.assign([plan], time.nowMs).get(plan.identity) as number);
    const entries = [1, 2, 3, 4].map(() => queue.enter('k', new TestWaiter('w', () => {}), time.nowMs));
    assert.deepEqual(entries, ['go', 'go', 'go', 'full'], `${left}`);
  }
});

test('a dead thread holds nobody back: its lowest round is gone', () => {
  const time = new FakeTime(50_000);
  const keeper = new ThrottleKeeper();
  const throttles = new Throttles(keeper.words, 3, makeHash, time.makeAlarm, () => time.nowMs);
  const plan = throttlePlan('t', CONFIG, 'r');
  const row = keeper.assign([plan], time.nowMs).get(plan.identity) as number;
  const queue = throttles.queue(plan, row);
  for (let i = 0; i < 3; i += 1) queue.enter('k', new TestWaiter('w', () => {}), time.nowMs);
  const lowest = () => keeper.words[stripeWord(3, row) + LOWEST];
  assert.notEqual(lowest(), 0);
  keeper.clearThread(3);
  assert.equal(lowest(), 0);
});
