import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EjectionPolicy, TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from '../../src/upstream/layout.ts';
import { hammer, totals } from './hammer-job.ts';
import { POLICY } from './support.ts';

const PAIR = [0, 1];

function fail(
  health: TargetHealth,
  slot: number,
  nowMs: number,
  times: number,
  slots: readonly number[] = PAIR,
  policy: EjectionPolicy = POLICY,
): boolean[] {
  return Array.from({ length: times }, () => health.failed(slot, policy, nowMs, slots));
}

/** When the ejection that was just made ends, searched in steps of 1 ms. */
function ejectedFor(health: TargetHealth, slot: number, nowMs: number): number {
  let waitMs = 0;
  while (!health.usable(slot, nowMs + waitMs)) waitMs += 1;
  return waitMs;
}

describe('passive ejection', () => {
  test('the failure that fills the row ejects, no other one says so', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    assert.deepEqual(fail(health, 0, 1_000, 5), [false, false, true, false, false]);
    assert.equal(health.usable(0, 1_000), false);
    assert.equal(health.state(0, 1_000), 'ejected');
    assert.equal(health.ejections(0), 1);
    assert.equal(health.usable(1, 1_000), true);
  });

  test('an answer ends the row', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 0, 1_000, 2);
    health.succeeded(0, 1_000);
    assert.deepEqual(fail(health, 0, 1_000, 3), [false, false, true]);
  });

  test('failures of two threads make one row', () => {
    const table = createTargetTable();
    const [one, two] = [new TargetHealth(table, 0), new TargetHealth(table, 1)];
    fail(one, 0, 1_000, 1);
    fail(two, 0, 1_000, 1);
    assert.deepEqual(fail(one, 0, 1_000, 1), [true]);
    assert.equal(two.usable(0, 1_000), false);
  });

  test('after the ejection one failure ejects again, and for longer, up to ejectMsMax', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    const policy = { ...POLICY, ejectMsMax: 5_000 };
    let nowMs = 50_000;
    fail(health, 0, nowMs, 2, PAIR, policy);
    for (const expectedMs of [2_000, 4_000, 5_000, 5_000]) {
      assert.deepEqual(fail(health, 0, nowMs, 1, PAIR, policy), [true]);
      assert.equal(ejectedFor(health, 0, nowMs), expectedMs);
      nowMs += expectedMs;
      assert.equal(health.state(0, nowMs), 'half-open');
    }
  });

  test('an ejection is never shorter than asked and at most a tick longer', () => {
    for (const nowMs of [0, 1, 99, 100, 101, 1_795_467_788_601.482]) {
      const health = new TargetHealth(createTargetTable(), 0);
      fail(health, 0, nowMs, 3);
      const lasted = ejectedFor(health, 0, nowMs);
      assert.ok(lasted >= 2_000 && lasted <= 2_100, `at ${nowMs} it lasted ${lasted} ms`);
    }
  });

  test('quiet time makes ejections short again', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    let nowMs = 0;
    fail(health, 0, nowMs, 2);
    for (let step = 1; step <= 5; step += 1) {
      fail(health, 0, nowMs, 1);
      nowMs += step * 2_000;
    }
    health.succeeded(0, nowMs);
    fail(health, 0, nowMs + 4_000, 3);
    assert.equal(
      ejectedFor(health, 0, nowMs + 4_000),
      8_000,
      'five in a row, two forgotten in 4 s, this is the fourth',
    );
    nowMs += 12_000;
    health.succeeded(0, nowMs);
    fail(health, 0, nowMs + 60_000, 3);
    assert.equal(ejectedFor(health, 0, nowMs + 60_000), 2_000);
  });

  test('an answer to a request from before the ejection does not end it, one after it does', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 0, 1_000, 3);
    health.succeeded(0, 2_999);
    assert.equal(health.usable(0, 2_999), false);
    health.succeeded(0, 3_000);
    assert.equal(health.state(0, 3_000), 'up');
    assert.deepEqual(fail(health, 0, 3_000, 3), [false, false, true]);
  });

  test('half-open: one request probes, the others keep away until it has an answer or took too long', () => {
    const table = createTargetTable();
    const [one, two] = [new TargetHealth(table, 0), new TargetHealth(table, 1)];
    assert.equal(one.claim(0, 1_000), true, 'a sound target needs no probe');
    assert.equal(two.claim(0, 1_000), true);
    fail(one, 0, 1_000, 3);
    assert.equal(one.claim(0, 2_000), false);
    assert.equal(one.claim(0, 3_000), true);
    assert.equal(two.claim(0, 3_000), false);
    assert.equal(two.usable(0, 3_000), false);
    assert.equal(two.state(0, 3_000), 'half-open');
    assert.equal(two.claim(0, 4_000), true, 'the first probe took longer than a second');
    assert.deepEqual(fail(one, 0, 4_100, 2), [true, false]);
    assert.equal(one.claim(0, 8_100), true);
    one.succeeded(0, 8_100);
    assert.equal(two.state(0, 8_100), 'up');
  });

  test('a lone target is never ejected', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    const policy = { ...POLICY, ejectPercentMax: 100 };
    assert.deepEqual(new Set(fail(health, 0, 0, 50, [0], policy)), new Set([false]));
    assert.equal(health.usable(0, 0), true);
  });

  test('failuresMax 0 never ejects, and frees what an older configuration had ejected', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    const off = { ...POLICY, failuresMax: 0 };
    assert.deepEqual(new Set(fail(health, 0, 0, 50, PAIR, off)), new Set([false]));
    fail(health, 0, 0, 3);
    assert.equal(health.usable(0, 0), false);
    fail(health, 0, 0, 1, PAIR, off);
    assert.equal(health.state(0, 0), 'up');
  });

  test('never more than ejectPercentMax of the targets at once', () => {
    for (const [targets, percent, expected] of [
      [2, 50, 1],
      [3, 50, 1],
      [3, 30, 0],
      [4, 50, 2],
      [10, 100, 10],
      [5, 0, 0],
    ] as const) {
      const health = new TargetHealth(createTargetTable(), 0);
      const slots = Array.from({ length: targets }, (_, slot) => slot);
      const policy = { ...POLICY, ejectPercentMax: percent };
      for (const slot of slots) fail(health, slot, 0, 20, slots, policy);
      assert.equal(slots.filter((slot) => !health.usable(slot, 0)).length, expected, `${percent} % of ${targets}`);
    }
  });

  test('a target that was spared is ejected by the first failure once there is room', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 0, 0, 3);
    assert.deepEqual(new Set(fail(health, 1, 0, 20)), new Set([false]));
    assert.deepEqual(fail(health, 1, 2_000, 1), [true]);
  });

  test('a half-open target that fails while there is no room is used again, not left half-open', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 0, 0, 3);
    fail(health, 1, 2_000, 3);
    assert.deepEqual(fail(health, 0, 2_000, 1), [false]);
    assert.equal(health.state(0, 2_000), 'up');
  });

  test('ticks wrap after 3.4 years without an ejection lasting longer or shorter', () => {
    const wrapMs = 2 ** 30 * 100;
    for (const nowMs of [wrapMs - 1_000, wrapMs - 1, wrapMs, 17 * wrapMs - 500, -1_000]) {
      const health = new TargetHealth(createTargetTable(), 0);
      fail(health, 0, nowMs, 3);
      const lasted = ejectedFor(health, 0, nowMs);
      assert.ok(lasted >= 2_000 && lasted <= 2_100, `at ${nowMs} it lasted ${lasted} ms`);
    }
  });

  test('a clock set back by more than a day does not hold a target out', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 0, 1e12, 3);
    assert.equal(health.usable(0, 1e12 - 2 * 86_400_000), true);
    assert.equal(health.usable(0, 1e12 + 1e10), true);
  });
});

describe('active state and counts', () => {
  test('active checks rule over everything else', () => {
    const table = createTargetTable();
    const [main, thread] = [new TargetHealth(table, MAIN_THREAD), new TargetHealth(table, 0)];
    main.setActive(0, false);
    assert.deepEqual([thread.usable(0, 0), thread.activelyUp(0), thread.state(0, 0)], [false, false, 'down']);
    thread.succeeded(0, 0);
    assert.equal(thread.usable(0, 0), false);
    main.setActive(0, true);
    assert.equal(thread.usable(0, 0), true);
  });

  test('counts add up over threads, and a dead thread is forgotten', () => {
    const table = createTargetTable();
    const main = new TargetHealth(table, MAIN_THREAD);
    const [one, two] = [new TargetHealth(table, 0), new TargetHealth(table, 5)];
    for (let request = 0; request < 3; request += 1) one.requestStarted(7);
    two.requestStarted(7);
    two.connectionOpened(7);
    two.connectionOpened(8);
    one.requestEnded(7);
    assert.deepEqual([main.requests(7), main.connections(7), main.connections(8)], [3, 1, 1]);
    main.clearThread(5);
    assert.deepEqual([main.requests(7), main.connections(7), main.connections(8)], [2, 0, 0]);
  });

  test('a cleared slot is as new', () => {
    const health = new TargetHealth(createTargetTable(), 0);
    fail(health, 1, 0, 3);
    health.setActive(1, false);
    health.clearSlot(1);
    assert.deepEqual([health.state(1, 0), health.ejections(1)], ['up', 0]);
    fail(health, 1, 0, 3);
    assert.equal(ejectedFor(health, 1, 0), 2_000);
  });
});

describe('four threads at once, 20 rounds', () => {
  const threads = 4;
  const rounds = 20;

  test('every ejection is seen by exactly one', async () => {
    const table = createTargetTable();
    const results = await hammer({ job: 'eject', table, threads, rounds, slots: [3, 4] });
    assert.deepEqual(
      totals(results),
      Array.from({ length: rounds }, () => 1),
    );
    assert.equal(new TargetHealth(table, MAIN_THREAD).ejections(3), rounds);
    for (const { timeOrigin } of results) {
      assert.ok(Math.abs(timeOrigin - performance.timeOrigin) < 1, 'performance.now() has one origin for all threads');
    }
  });

  test('different targets failing together never pass ejectPercentMax', async () => {
    const results = await hammer({ job: 'spread', table: createTargetTable(), threads, rounds, slots: [0, 1, 2, 3] });
    for (const [round, ejected] of totals(results).entries()) {
      assert.ok(ejected <= 2, `round ${round}: ${ejected} of 4 targets ejected, 2 allowed`);
    }
    assert.ok(totals(results).some((ejected) => ejected > 0));
  });

  test('a half-open target is probed by exactly one', async () => {
    const table = createTargetTable();
    fail(new TargetHealth(table, 0), 0, 900_000, 3);
    const results = await hammer({ job: 'claim', table, threads, rounds, slots: [0, 1] });
    assert.deepEqual(
      totals(results),
      Array.from({ length: rounds }, () => 1),
    );
  });

  test('stripes add up exactly and the bound on requests holds', async () => {
    const table = createTargetTable();
    const results = await hammer({ job: 'enter', table, threads, rounds, slots: [9] });
    const main = new TargetHealth(table, MAIN_THREAD);
    const held = totals(results).at(-1) as number;
    assert.equal(main.requests(9), held);
    assert.ok(held > 0 && held <= 10, `${held} requests are in, 10 allowed`);
    assert.equal(main.connections(9), threads * rounds * 2_500);
  });
});
