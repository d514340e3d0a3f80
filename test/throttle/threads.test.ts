import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ThrottleKeeper } from '../../src/throttle/throttle-keeper.ts';
import {
  ARRIVED,
  CONTROL_WORDS,
  NOW_MS,
  type SenderPlan,
  STEP,
  startThread,
  type ThreadJob,
  type ThreadResult,
} from './thread-job.ts';

const START_MS = 10_000;

type Plan = Pick<ThreadJob, 'rate'> & {
  readonly deadlineMs?: number;
  readonly threads: readonly (readonly SenderPlan[])[];
  readonly forMs: number;
  readonly inStep?: boolean;
  readonly dies?: { readonly thread: number; readonly atMs: number };
};

interface Outcome {
  readonly results: readonly (ThreadResult | null)[];
  readonly keeper: ThrottleKeeper;
  admitted(key?: string): number;
}

/** Runs real threads over virtual time: every millisecond when all are through with the one before. */
async function run({ rate, threads, forMs, deadlineMs = 600_000, inStep = true, dies }: Plan): Promise<Outcome> {
  const keeper = new ThrottleKeeper();
  const config = { ...rate, queueMax: 1_000, queuePerKeyMax: 100, deadlineMs, key: ['address'], perRoute: false };
  assert.deepEqual([...keeper.assign([{ identity: 'x', config }], START_MS).values()], [0]);
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  control[NOW_MS] = START_MS;
  const endMs = START_MS + forMs;
  let present = threads.length;
  const running = threads.map((senders, thread) => {
    const diesAtMs = dies?.thread === thread ? START_MS + dies.atMs : 0;
    return startThread({ words: keeper.words, control, thread, rate, deadlineMs, senders, endMs, diesAtMs, inStep });
  });
  const died = dies === undefined ? null : (running[dies.thread] as Promise<unknown>).then(() => (present -= 1));
  for (let ms = 1; ms <= forMs; ms += 1) {
    while ((inStep || ms === 1) && Atomics.load(control, ARRIVED) < present) {
      const arrived = Atomics.load(control, ARRIVED);
      // The one that dies does not arrive in the millisecond of its death.
      if (died !== null && ms === (dies?.atMs ?? 0) + 1 && arrived === threads.length - 1) await died;
      else if (Atomics.wait(control, ARRIVED, arrived, 5) === 'timed-out') await turn();
    }
    if (ms === (dies?.atMs ?? Number.POSITIVE_INFINITY) + 500) keeper.clearThread(dies?.thread ?? 0);
    control[ARRIVED] = 0;
    Atomics.store(control, NOW_MS, START_MS + ms);
    Atomics.add(control, STEP, 1);
    Atomics.notify(control, STEP);
    if (!inStep) await turn();
  }
  const results = await Promise.all(running);
  return {
    results,
    keeper,
    admitted: (key) =>
      results.reduce(
        (sum, result) =>
          sum +
          Object.entries(result?.admitted ?? {}).reduce(
            (own, [name, count]) => own + (key === undefined || name === key ? count : 0),
            0,
          ),
        0,
      ),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const depth = (key: string, requests: number): SenderPlan => ({ key, depth: requests });

describe('real threads', () => {
  test('four threads: the total rate is exact to the permit', async () => {
    for (const requests of [100, 1_000, 3_000]) {
      const senders = [0, 1, 2, 3].map((thread) => [depth(`k${thread}`, 40), depth('all', 20)]);
      const { admitted } = await run({ rate: { requests, perMs: 1_000, burst: 10 }, threads: senders, forMs: 2_000 });
      assert.equal(admitted(), 10 + 2 * requests);
    }
  });

  test('threads out of step never pass the rate', async () => {
    const senders = [0, 1, 2, 3].map(() => [depth('all', 90)]);
    const rate = { requests: 2_000, perMs: 1_000, burst: 5 };
    const { admitted } = await run({ rate, threads: senders, forMs: 3_000, inStep: false });
    assert.ok(admitted() >= 500 && admitted() <= 5 + 6_000, `${admitted()}`);
  });

  test('two keys at twice the rate, unequal in load and spread: half for each', async () => {
    for (const requests of [50, 1_000, 4_000]) {
      const { admitted, results } = await run({
        rate: { requests, perMs: 1_000, burst: 1 },
        threads: [[depth('wide', 90)], [depth('wide', 60), depth('narrow', 20)], [depth('wide', 30)], []],
        forMs: 4_000,
      });
      const total = 1 + 4 * requests;
      assert.equal(admitted(), total);
      for (const key of ['wide', 'narrow']) {
        const share = admitted(key) / total;
        assert.ok(share >= 0.45 && share <= 0.55, `${key} has ${share} at ${requests}/s`);
      }
      assert.ok(results.every((result) => (result?.lengthMax ?? 0) <= 150));
    }
  });

  test('nobody waits for longer than the deadline and the millisecond of the timer', async () => {
    const { results, admitted } = await run({
      rate: { requests: 200, perMs: 1_000, burst: 1 },
      deadlineMs: 120,
      threads: [[depth('a', 90), depth('b', 5)], [depth('a', 90), depth('c', 90)], [depth('d', 1)]],
      forMs: 3_000,
    });
    assert.equal(admitted(), 601);
    for (const result of results) assert.ok(result !== null && result.longestMs <= 121, `${result?.longestMs} ms`);
    assert.ok(results.reduce((sum, result) => sum + (result?.late ?? 0), 0) > 1_000);
    for (const key of ['a', 'b', 'c', 'd'])
      assert.ok(admitted(key) >= 120 && admitted(key) <= 180, `${key} ${admitted(key)}`);
  });

  test('no permit is lost when a thread ends', async () => {
    const { admitted, results, keeper } = await run({
      rate: { requests: 500, perMs: 1_000, burst: 1 },
      threads: [[depth('a', 80)], [depth('b', 80)], [depth('b', 10)]],
      forMs: 3_000,
      dies: { thread: 0, atMs: 1_000 },
    });
    assert.equal(results[0], null);
    // In the first second a had half of the 501; then b has all, also before main cleared the dead thread.
    assert.ok(Math.abs(admitted() - (250 + 1_000)) <= 25, `${admitted()} of 1250`);
    const waiting = keeper.waiting(0);
    assert.ok(waiting > 80 && waiting <= 90, `${waiting} wait, those of the dead thread forgotten`);
  });
});
