import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FairQueue } from '../../src/throttle/fair-queue.ts';
import { createThrottleWords, ROUND, rowWord } from '../../src/throttle/layout.ts';
import { FakeTime, openQueue, TestWaiter } from './support.ts';

const RATE = { requests: 100, perMs: 1_000, burst: 1 };

/** Keeps `depth` requests of a key waiting at a queue, and counts what was admitted. */
class Sender {
  admitted = 0;
  late = 0;
  longestMs = 0;
  readonly #queue: FairQueue;
  readonly #key: string;
  readonly #time: FakeTime;

  constructor(queue: FairQueue, key: string, time: FakeTime) {
    this.#queue = queue;
    this.#key = key;
    this.#time = time;
  }

  start(depth: number): this {
    for (let i = 0; i < depth; i += 1) this.send();
    return this;
  }

  send(): void {
    const waiter = new TestWaiter(this.#key, (what, { enteredMs }, steadyMs) => {
      this.longestMs = Math.max(this.longestMs, steadyMs - enteredMs);
      if (what === 'go') this.admitted += 1;
      else this.late += 1;
      this.send();
    });
    for (;;) {
      const entry = this.#queue.enter(this.#key, waiter, this.#time.nowMs);
      if (entry !== 'go') return;
      this.admitted += 1;
    }
  }
}

describe('one thread', () => {
  test('lets the burst through at once, then one each interval, in order of arrival', () => {
    const time = new FakeTime(5_000);
    const queue = openQueue(createThrottleWords(), 0, time, { ...RATE, burst: 3 });
    const seen: string[] = [];
    const entries = Array.from({ length: 8 }, (_, i) =>
      queue.enter('a', new TestWaiter(`w${i}`, (what, { name }, at) => seen.push(`${name} ${what} ${at}`)), time.nowMs),
    );
    assert.deepEqual(entries, ['go', 'go', 'go', 'wait', 'wait', 'wait', 'wait', 'wait']);
    assert.equal(queue.length, 5);
    assert.equal(queue.retryAfterMs(time.nowMs), 60);
    time.advance(1_000);
    assert.deepEqual(seen, ['w3 go 5010', 'w4 go 5020', 'w5 go 5030', 'w6 go 5040', 'w7 go 5050']);
    assert.equal(queue.length, 0);
    assert.equal(queue.keys, 0);
  });

  test('a lone key has the whole rate, whatever the interval and however coarse the timer', () => {
    for (const [requests, perMs, stepMs] of [
      [100, 1_000, 1],
      [1_000, 1_000, 1],
      [7_777, 1_000, 1],
      [333, 1_000, 7],
      [1, 3, 1],
      [50_000, 1_000, 3],
    ] as const) {
      const time = new FakeTime(123_456_789.25);
      const queue = openQueue(createThrottleWords(), 0, time, { requests, perMs, burst: 1 });
      const sender = new Sender(queue, 'a', time).start(100);
      for (let ms = 0; ms < 3_000; ms += stepMs) {
        time.advance(stepMs, stepMs);
        // 100 waiting are used up within a step of the highest rates.
        while (queue.length > 0 && queue.length < 100) sender.send();
      }
      const due = 1 + Math.floor(((time.nowMs - 123_456_789.25) * requests) / perMs);
      assert.ok(
        due - sender.admitted <= Math.ceil((stepMs * requests) / perMs),
        `${requests}/${perMs}: ${sender.admitted} of ${due}`,
      );
      assert.ok(sender.admitted <= due, `${requests}/${perMs}: ${sender.admitted} of ${due}`);
    }
  });

  test('an even rate leaves no credit behind: after a pause one goes at once, the next an interval later', () => {
    const time = new FakeTime(0);
    const queue = openQueue(createThrottleWords(), 0, time, RATE);
    const seen: number[] = [];
    const waiter = () => new TestWaiter('a', (_what, _waiter, at) => seen.push(at));
    for (const pauseMs of [0, 100, 10_007.5]) {
      time.advance(pauseMs, 50);
      const startMs = time.nowMs;
      assert.equal(queue.enter('a', waiter(), startMs), 'go');
      assert.equal(queue.enter('a', waiter(), startMs), 'wait');
      time.advance(20);
      const waitedMs = (seen.at(-1) as number) - startMs;
      assert.ok(waitedMs >= 10 && waitedMs <= 11, `waited ${waitedMs} ms`);
    }
  });

  test('after a stall no more than 100 ms are made up', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE, { deadlineMs: 100_000 });
    const sender = new Sender(queue, 'a', time).start(50);
    time.advance(5_000, 5_000);
    assert.equal(sender.admitted, 1 + 11);
    time.advance(1_000);
    assert.equal(sender.admitted, 1 + 11 + 100);
  });

  test('keys have equal shares, however much each sends', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE, { deadlineMs: 600_000 });
    const greedy = new Sender(queue, 'greedy', time).start(90);
    const [one, two] = [new Sender(queue, 'one', time).start(2), new Sender(queue, 'two', time).start(1)];
    time.advance(9_000);
    for (const { admitted } of [greedy, one, two]) assert.ok(Math.abs(admitted - 300) <= 2, `${admitted} of 300`);
  });

  test('a key whose requests leave or are late is not set back for it', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE, { deadlineMs: 50 });
    const served = { many: 0, few: 0 };
    const [waiting, refused]: [TestWaiter[], string[]] = [[], []];
    const enter = (key: 'many' | 'few') => {
      const waiter = new TestWaiter(key, (what) => {
        if (what === 'go') served[key] += 1;
        else refused.push(what);
      });
      const entry = queue.enter(key, waiter, time.nowMs);
      if (entry === 'go') served[key] += 1;
      else if (entry === 'wait') waiting.push(waiter);
      else refused.push(entry);
    };
    for (let ms = 0; ms < 4_000; ms += 1) {
      enter('many');
      if (ms % 4 === 0) enter('few');
      const newest = waiting.splice(0).at(-1);
      if (ms % 3 === 0 && newest !== undefined) queue.leave(newest);
      time.advance(1);
    }
    assert.ok(refused.length > 1_000 && refused.every((what) => what === 'late'));
    assert.ok(Math.abs(served.many - 200) <= 10 && Math.abs(served.few - 200) <= 10, JSON.stringify(served));
  });

  test('a key with one request at a time is not behind one that floods', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE, { deadlineMs: 600_000 });
    new Sender(queue, 'flood', time).start(90);
    let [longestMs, served] = [0, 0];
    for (let request = 0; request < 50; request += 1) {
      const waiter = new TestWaiter('calm', (_what, { enteredMs }, at) => {
        longestMs = Math.max(longestMs, at - enteredMs);
        served += 1;
      });
      const entry = queue.enter('calm', waiter, time.nowMs);
      if (entry === 'go') served += 1;
      time.advance(50);
    }
    assert.equal(served, 50);
    assert.ok(longestMs <= 21, `waited ${longestMs} ms, two intervals are 20`);
  });

  test('refuses at once who would surely be late, and in time who became late', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE, { deadlineMs: 55 });
    const seen: string[] = [];
    const enter = (key: string) =>
      queue.enter(key, new TestWaiter(key, (what, { name }, at) => seen.push(`${name} ${what} ${at}`)), time.nowMs);
    // Five permits come in 55 ms.
    assert.deepEqual(
      Array.from({ length: 7 }, () => enter('a')),
      ['go', 'wait', 'wait', 'wait', 'wait', 'wait', 'late'],
    );
    assert.deepEqual(['b', 'c', 'd'].map(enter), ['wait', 'wait', 'wait'], 'each may be served once a is');
    time.advance(100);
    assert.deepEqual(seen, [
      'a go 1010',
      'b go 1020',
      'c go 1030',
      'd go 1040',
      'a go 1050',
      'a late 1055',
      'a late 1055',
      'a late 1055',
    ]);
    for (const key of ['k1', 'k2', 'k3', 'k4', 'k5', 'k6']) assert.notEqual(enter(key), 'late', key);
    assert.equal(enter('k7'), 'late', 'six other keys are before it');
  });

  test('bounds hold, and a full queue makes room for who has less waiting', () => {
    const time = new FakeTime(1_000);
    const bounds = { queueMax: 6, queuePerKeyMax: 4, deadlineMs: 60_000 };
    const queue = openQueue(createThrottleWords(), 0, time, RATE, bounds);
    const seen: string[] = [];
    const enter = (key: string) =>
      queue.enter(key, new TestWaiter(key, (what, { name }) => seen.push(`${name} ${what}`)), time.nowMs);
    assert.deepEqual(
      Array.from({ length: 6 }, () => enter('a')),
      ['go', 'wait', 'wait', 'wait', 'wait', 'full'],
    );
    assert.deepEqual(['b', 'b'].map(enter), ['wait', 'wait']);
    assert.deepEqual(seen, []);
    assert.equal(enter('b'), 'wait', 'its third, a has four');
    assert.deepEqual(seen.splice(0), ['a full']);
    assert.equal(enter('b'), 'full', 'three each');
    assert.equal(enter('c'), 'wait');
    assert.equal(seen.splice(0).length, 1);
    assert.equal(queue.length, 6);
    assert.equal(queue.keys, 3);
    time.advance(1_000);
    assert.equal(seen.length, 6);
    assert.equal(queue.keys, 0);
    const none = openQueue(createThrottleWords(), 0, time, RATE, { ...bounds, queueMax: 0 });
    const waiter = new TestWaiter('x', () => assert.fail('nobody waits here'));
    assert.deepEqual([none.enter('x', waiter, time.nowMs), none.enter('x', waiter, time.nowMs)], ['go', 'full']);
  });

  test('who leaves is not called, and the next of its key takes its turn', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, RATE);
    const seen: string[] = [];
    const waiters = ['first', 'second', 'third'].map(
      (name) => new TestWaiter(name, (what, w) => seen.push(`${w.name} ${what}`)),
    );
    queue.enter('k', new TestWaiter('go', () => {}), time.nowMs);
    for (const waiter of waiters) assert.equal(queue.enter('k', waiter, time.nowMs), 'wait');
    queue.leave(waiters[0] as TestWaiter);
    queue.leave(waiters[0] as TestWaiter);
    time.advance(10);
    assert.deepEqual(seen, ['second go']);
    queue.leave(waiters[1] as TestWaiter);
    queue.leave(waiters[2] as TestWaiter);
    time.advance(5_000);
    assert.deepEqual(seen, ['second go']);
    assert.equal(queue.length, 0);
  });

  test('a callback may enter, leave and close', () => {
    const time = new FakeTime(1_000);
    const queue = openQueue(createThrottleWords(), 0, time, { ...RATE, requests: 1_000 });
    let calls = 0;
    const waiters: TestWaiter[] = [];
    const again = () => {
      calls += 1;
      if (calls === 50) queue.close(time.nowMs);
      const waiter = new TestWaiter('k', again);
      if (queue.enter(`k${calls % 3}`, waiter, time.nowMs) === 'wait') waiters.push(waiter);
      const first = calls % 7 === 0 ? waiters.shift() : undefined;
      if (first !== undefined) queue.leave(first);
    };
    for (let i = 0; i < 20; i += 1) again();
    time.advance(1_000);
    assert.ok(calls >= 50);
    assert.equal(queue.length, 0);
    assert.equal(queue.enter('k', new TestWaiter('k', again), time.nowMs), 'full');
  });

  test('a shorter deadline holds for who waits already', () => {
    const time = new FakeTime(1_000);
    const bounds = { queueMax: 100, queuePerKeyMax: 100, deadlineMs: 5_000 };
    const queue = openQueue(createThrottleWords(), 0, time, { ...RATE, requests: 1 }, bounds);
    const seen: string[] = [];
    for (let i = 0; i < 5; i += 1)
      queue.enter('k', new TestWaiter('k', (what, _w, at) => seen.push(`${what} ${at}`)), time.nowMs);
    queue.rebound({ ...bounds, deadlineMs: 1_500 }, time.nowMs);
    time.advance(4_000);
    assert.deepEqual(seen, ['go 2000', 'late 2500', 'late 2500', 'late 2500']);
  });
});

describe('several threads, driven in turn', () => {
  test('a key with connections on two threads has the share of one', () => {
    for (const requests of [20, 100, 1_000, 5_000]) {
      const time = new FakeTime(1_000);
      const words = createThrottleWords();
      // Rounds come round after 2^24.
      words[rowWord(0) + ROUND] = requests === 100 ? 0xff_ff80 : 0;
      const rate = { requests, perMs: 1_000, burst: 1 };
      const queues = [0, 1, 2, 3].map((thread) => openQueue(words, thread, time, rate, { deadlineMs: 600_000 }));
      const wide = queues.slice(0, 3).map((queue) => new Sender(queue, 'wide', time).start(60));
      const narrow = new Sender(queues[3] as FairQueue, 'narrow', time).start(60);
      const both = new Sender(queues[0] as FairQueue, 'both', time).start(5);
      time.advance(6_000);
      const total = 6 * requests;
      const shares = [wide.reduce((sum, { admitted }) => sum + admitted, 0), narrow.admitted, both.admitted];
      assert.ok(
        Math.abs((shares[0] as number) + (shares[1] as number) + (shares[2] as number) - total) <= 1 + requests / 200,
        `${shares}`,
      );
      for (const share of shares)
        assert.ok(Math.abs(share - total / 3) <= total / 30, `${requests}/s: ${shares} of ${total}`);
    }
  });

  test('who enters and leaves elsewhere does not set its key back', () => {
    const time = new FakeTime(1_000);
    const words = createThrottleWords();
    const [one, two] = [0, 1].map((thread) => openQueue(words, thread, time, RATE, { deadlineMs: 600_000 })) as [
      FairQueue,
      FairQueue,
    ];
    const shared = new Sender(one, 'shared', time).start(20);
    const other = new Sender(one, 'other', time).start(20);
    for (let ms = 0; ms < 2_000; ms += 1) {
      for (let i = 0; i < 3; i += 1) {
        const waiter = new TestWaiter('shared', () => assert.fail('it left'));
        if (two.enter('shared', waiter, time.nowMs) === 'wait') two.leave(waiter);
      }
      time.advance(1);
    }
    assert.ok(Math.abs(shared.admitted - other.admitted) <= 4, `${shared.admitted} and ${other.admitted}`);
    assert.ok(shared.admitted >= 90, `${shared.admitted}`);
  });

  test('a thread that sleeps wastes no permit, and the others go on', () => {
    const time = new FakeTime(1_000);
    const words = createThrottleWords();
    const asleep = new FakeTime(1_000);
    const dead = openQueue(words, 0, asleep, RATE, { deadlineMs: 600_000 });
    const alive = openQueue(words, 1, time, RATE, { deadlineMs: 600_000 });
    new Sender(alive, 'alive', time).start(90);
    new Sender(dead, 'dead', asleep).start(20);
    const sender = new Sender(alive, 'other', time).start(9);
    time.advance(3_000);
    assert.ok(sender.admitted >= 149 && sender.admitted <= 151, `${sender.admitted} of 150`);
  });

  test('a thread that comes back is served first, but makes up for little', () => {
    const words = createThrottleWords();
    const [awake, slept] = [new FakeTime(1_000), new FakeTime(1_000)];
    const one = new Sender(openQueue(words, 0, awake, RATE, { deadlineMs: 600_000 }), 'one', awake).start(90);
    const two = new Sender(openQueue(words, 1, slept, RATE, { deadlineMs: 600_000 }), 'two', slept).start(90);
    awake.advance(5_000);
    const before = one.admitted;
    assert.ok(before >= 499, `${before} of 500`);
    slept.nowMs = awake.nowMs;
    for (let ms = 0; ms < 2_000; ms += 1) {
      awake.advance(1);
      slept.advance(1);
    }
    const [gainOne, gainTwo] = [one.admitted - before, two.admitted];
    assert.ok(Math.abs(gainOne - 100) <= 5 && Math.abs(gainTwo - 100) <= 5, `${gainOne} and ${gainTwo} of 100`);
  });
});
