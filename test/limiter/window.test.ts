import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { FULL, SlidingWindow, type WindowRule } from '../../src/limiter/window.ts';
import { fuzzRun } from '../support/fuzz.ts';

/** The sliding window counter as the books have it, with counts in a map and whole numbers of any size. */
class Reference {
  readonly #counts = new Map<string, bigint>();

  take(key: string, { limit, windowMs }: WindowRule, cost: number, nowMs: number, penalise: boolean): number {
    const window = BigInt(windowMs);
    const number = BigInt(nowMs) / window;
    const left = window - (BigInt(nowMs) % window);
    const name = (n: bigint): string => `${key} ${windowMs} ${n}`;
    const before = this.#counts.get(name(number - 1n)) ?? 0n;
    const current = this.#counts.get(name(number)) ?? 0n;
    const price = BigInt(cost);
    const most = BigInt(limit);
    const fits = (b: bigint, l: bigint, c: bigint): boolean => b * l + (c + price) * window <= most * window;
    const admitted = fits(before, left, current);
    if (admitted || penalise) this.#counts.set(name(number), current + price);
    if (admitted) return 0;
    if (price > most) return windowMs;
    const after = penalise ? current + price : current;
    // Step by step: the first millisecond at which it would fit.
    for (let wait = 1n; wait < 2n * window; wait += 1n) {
      if (wait < left ? fits(before, left - wait, after) : fits(after, 2n * window - (wait - left) - window, 0n)) {
        return Number(wait);
      }
    }
    return Number(left + window);
  }
}

function idOf(key: number): [high: number, low: number] {
  return [key * 7_919, key * 104_729];
}

function take(
  counter: SlidingWindow,
  key: number,
  rule: WindowRule,
  cost: number,
  nowMs: number,
  penalise = false,
): number {
  counter.at(nowMs, nowMs);
  return counter.take(...idOf(key), rule, cost, penalise);
}

function look(counter: SlidingWindow, key: number, rule: WindowRule, cost: number, nowMs: number): number {
  counter.at(nowMs, nowMs);
  return counter.look(...idOf(key), rule, cost);
}

const step = fc.record({
  key: fc.integer({ min: 0, max: 2 }),
  cost: fc.integer({ min: 0, max: 4 }),
  // Mostly within a window, sometimes past it, seldom far beyond where window numbers come again.
  pauseMs: fc.oneof(
    { weight: 10, arbitrary: fc.integer({ min: 0, max: 60 }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 400 }) },
    { weight: 1, arbitrary: fc.integer({ min: 50_000, max: 130_000 }) },
  ),
});

test('every answer equals that of a plain sliding window counter, on random schedules', (t) => {
  let steps = 0;
  let refusals = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 100, max: 250 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 2 ** 40 }),
      (schedule, limit, windowMs, penalise, startMs) => {
        const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, startMs)));
        const reference = new Reference();
        const rule = { limit, windowMs };
        let nowMs = startMs;
        for (const { key, cost, pauseMs } of schedule) {
          nowMs += pauseMs;
          const wait = take(counter, key, rule, cost, nowMs, penalise);
          assert.equal(wait, reference.take(String(key), rule, cost, nowMs, penalise));
          steps += 1;
          if (wait > 0) refusals += 1;
        }
      },
    ),
    fuzzRun(t, 10_000),
  );
  t.diagnostic(`${steps} decisions, ${refusals} refusals`);
  assert.ok(refusals > 1_000);
});

test('who waits as told is admitted; a millisecond earlier is too early', (t) => {
  let waits = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 100, max: 5_000 }),
      (schedule, limit, windowMs) => {
        const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
        const rule = { limit, windowMs };
        let nowMs = 0;
        for (const { cost, pauseMs } of schedule) {
          nowMs += pauseMs;
          if (cost > limit) continue;
          const wait = take(counter, 1, rule, cost, nowMs);
          if (wait === 0) continue;
          waits += 1;
          assert.equal(look(counter, 1, rule, cost, nowMs), wait, 'a look says the same');
          assert.notEqual(look(counter, 1, rule, cost, nowMs + wait - 1), 0);
          assert.equal(look(counter, 1, rule, cost, nowMs + wait), 0);
        }
      },
    ),
    fuzzRun(t, 2_000),
  );
  assert.ok(waits > 500, `${waits} waits`);
});

test('the difference from an exact log: bounded by one limit more, and small for even traffic', (t) => {
  const rule = { limit: 100, windowMs: 1_000 };
  const worst = (arrivals: readonly number[]): number => {
    const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
    const admitted = arrivals.filter((at) => take(counter, 1, rule, 1, at) === 0);
    let most = 0;
    let from = 0;
    for (let to = 0; to < admitted.length; to += 1) {
      while ((admitted[from] as number) <= (admitted[to] as number) - rule.windowMs) from += 1;
      most = Math.max(most, to - from + 1);
    }
    return most;
  };
  const even = worst(Array.from({ length: 20_000 }, (_, i) => i));
  // All of one window at its very end, then whatever the next one takes: the counter takes the first as evenly spread.
  const burst = worst([
    ...Array.from({ length: 100 }, () => 10_999),
    ...Array.from({ length: 1_000 }, (_, i) => 11_000 + i),
  ]);
  t.diagnostic(`limit 100: at most ${even} in any second of even traffic, ${burst} after a burst at a window's end`);
  assert.ok(even <= 110, `${even}`);
  assert.ok(burst > 100 && burst < 200, `${burst}`);
});

test('a client that never stops asking gets one less than the limit in each window, one in two of a limit of 1', () => {
  const most = [
    [1, 50],
    [2, 100],
    [10, 900],
    [100, 9_900],
  ] as const;
  for (const [limit, expected] of most) {
    const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
    const rule = { limit, windowMs: 1_000 };
    let admitted = 0;
    for (let nowMs = 0; nowMs < 100_000; nowMs += 1) {
      for (let i = 0; i < 2; i += 1) if (take(counter, 1, rule, 1, nowMs) === 0) admitted += 1;
    }
    // The first window has none before it.
    assert.ok(admitted >= expected && admitted <= expected + 2, `limit ${limit}: ${admitted} in 100 windows`);
  }
});

test('a clock that jumps back gives a fresh window at most, and never fails', () => {
  const rule = { limit: 5, windowMs: 1_000 };
  const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
  const burst = (clockMs: number): number =>
    Array.from({ length: 20 }, () => {
      counter.at(clockMs, 50_000);
      return counter.take(1, 1, rule, 1, false);
    }).filter((wait) => wait === 0).length;
  assert.equal(burst(100_500), 5);
  assert.equal(burst(100_499), 0, 'within the window');
  assert.ok(burst(99_999) <= 5);
  assert.ok(burst(90_000) <= 5);
  assert.ok(burst(0) <= 5);
});

test('a clock that jumps far forward gives a fresh window for each jump, and is right again when steady time passed', () => {
  const rule = { limit: 5, windowMs: 100 };
  const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
  const burst = (clockMs: number, steadyMs: number): number =>
    Array.from({ length: 20 }, () => {
      counter.at(clockMs, steadyMs);
      return counter.take(1, 1, rule, 1, false);
    }).filter((wait) => wait === 0).length;
  const start = 1_700_000_000_000;
  assert.equal(burst(start, 5_000), 5);
  // An hour, a day, ten years; then exactly as many windows as their numbers in the table tell apart.
  for (const jump of [3_600_000, 86_400_000, 315_360_000_000, 25_600, 12_800]) {
    assert.ok(burst(start + jump, 5_001) <= 5, `${jump} ms forward`);
    assert.equal(burst(start + jump + 1, 5_002), 0, 'the window is full there');
    assert.ok(burst(start, 5_003) <= 5, `${jump} ms back`);
  }
  assert.equal(burst(start + 400, 5_400), 5, 'two windows of steady time later');
  assert.equal(burst(start + 401, 5_401), 0);
});

test('windows shorter than the steps of the clock: the limit at each step, never more', () => {
  for (const stepMs of [100, 101, 250, 1_000, 25_600, 86_400_000]) {
    const rule = { limit: 3, windowMs: 100 };
    const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
    for (let nowMs = 7; nowMs < 7 + stepMs * 20; nowMs += stepMs) {
      const admitted = Array.from({ length: 9 }, () => take(counter, 1, rule, 1, nowMs)).filter((wait) => wait === 0);
      // The window before is in view where steps are hardly longer than it.
      assert.ok(stepMs < 200 ? admitted.length <= 3 : admitted.length === 3, `${admitted.length} every ${stepMs} ms`);
    }
  }
});

test('a thread that was held up for any time counts where the others are', () => {
  const rule = { limit: 3, windowMs: 100 };
  for (const heldMs of [300, 12_800, 25_600, 26_500, 3_600_000]) {
    for (const isSwept of [false, true]) {
      const table = new LimiterTable(createLimiterWords(64, 0));
      const held = new SlidingWindow(table);
      const other = new SlidingWindow(table);
      const startMs = 50_010;
      for (let i = 0; i < 3; i += 1) assert.equal(take(other, 1, rule, 1, startMs), 0);
      held.at(startMs, startMs);
      const nowMs = startMs + heldMs;
      if (isSwept) table.sweep(0, 8, nowMs);
      for (let i = 0; i < 3; i += 1) assert.equal(take(other, 1, rule, 1, nowMs), 0);
      const wait = held.take(...idOf(1), rule, 1, false);
      // Two windows, and what its clock may still be behind.
      assert.ok(wait > 0 && wait <= 400, `held up for ${heldMs} ms: told to wait ${wait} ms`);
      assert.ok(held.clockMs > startMs && held.clockMs <= nowMs);
      assert.notEqual(take(other, 1, rule, 1, nowMs), 0, 'nothing was overwritten');
    }
  }
});

test('a thread that was held up does not count anew in a window whose slot was taken back', () => {
  const rule = { limit: 3, windowMs: 100 };
  const table = new LimiterTable(createLimiterWords(64, 0));
  const held = new SlidingWindow(table);
  for (let i = 0; i < 3; i += 1) assert.equal(take(held, 1, rule, 1, 50_010), 0);
  table.sweep(0, 8, 60_000);
  assert.equal(table.inUse, 0);
  assert.equal(held.take(...idOf(1), rule, 1, false), 0, 'it counts in a window of the sweep');
  assert.ok(held.clockMs >= 59_800, `${held.clockMs}`);
});

/** A rule that lets another thread run between reading the counts and writing them. */
function interrupted(rule: WindowRule, meanwhile: () => void): WindowRule {
  let isFirst = true;
  return {
    windowMs: rule.windowMs,
    get limit() {
      if (isFirst) {
        isFirst = false;
        meanwhile();
      }
      return rule.limit;
    },
  };
}

test('a count is made anew where the next window has begun meanwhile', () => {
  const rule = { limit: 3, windowMs: 100 };
  const table = new LimiterTable(createLimiterWords(64, 0));
  const [one, other] = [new SlidingWindow(table), new SlidingWindow(table)];
  for (let i = 0; i < 2; i += 1) assert.equal(take(one, 1, rule, 1, 199), 0);
  let waitOfOther = -1;
  const wait = take(
    one,
    1,
    interrupted(rule, () => {
      waitOfOther = take(other, 1, rule, 1, 200);
    }),
    1,
    199,
  );
  assert.equal(waitOfOther, 0, 'two before and one now');
  assert.ok(wait > 0, 'the window before had been seen with two');
  assert.notEqual(take(other, 1, rule, 1, 200), 0);
});

test('a key that comes back after a pause keeps one slot, wherever it lives', () => {
  const brief = { limit: 1, windowMs: 100 };
  const rule = { limit: 1, windowMs: 1_000 };
  // Two buckets. The key's first one is 0, its second one 1; those of the others are 0.
  const table = new LimiterTable(createLimiterWords(16, 0));
  const [one, other] = [new SlidingWindow(table), new SlidingWindow(table)];
  const takeOdd = (counter: SlidingWindow, limited: WindowRule, nowMs: number): number => {
    counter.at(nowMs, nowMs);
    return counter.take(77, 0, limited, 1, false);
  };
  one.at(0, 0);
  for (let i = 0; i < 8; i += 1) assert.equal(one.take(2 * i + 4, 0, brief, 1, false), 0);
  assert.equal(takeOdd(one, rule, 10), 0);
  table.sweep(0, 2, 1_000);
  assert.equal(table.inUse, 1, 'the first bucket is empty again');
  // For one thread the slot has passed, for the other one not quite: both are in the third window.
  let waitOfOther = -1;
  const wait = takeOdd(
    one,
    interrupted(rule, () => {
      waitOfOther = takeOdd(other, rule, 2_100);
    }),
    2_099,
  );
  assert.equal(waitOfOther, 0);
  assert.ok(wait > 0, 'a limit of 1');
  assert.equal(table.inUse, 1);
});

test('a slot that is taken back and given away meanwhile is not counted in', () => {
  const rule = { limit: 2, windowMs: 100 };
  const table = new LimiterTable(createLimiterWords(8, 0));
  const [one, other] = [new SlidingWindow(table), new SlidingWindow(table)];
  assert.equal(take(one, 1, rule, 1, 50), 0);
  const laterMs = 10_050;
  const wait = take(
    one,
    1,
    interrupted(rule, () => {
      for (let key = 2; key < 10; key += 1) assert.equal(take(other, key, rule, 1, laterMs), 0);
    }),
    1,
    50,
  );
  assert.ok(wait === 0 || wait === FULL, `${wait}`);
  for (let key = 2; key < 10; key += 1) {
    assert.equal(take(other, key, rule, 1, laterMs), 0, 'one more of two');
    assert.notEqual(take(other, key, rule, 1, laterMs), 0);
  }
});

test('what is given back can be taken again', () => {
  const rule = { limit: 3, windowMs: 1_000 };
  const counter = new SlidingWindow(new LimiterTable(createLimiterWords(64, 0)));
  for (let i = 0; i < 3; i += 1) assert.equal(take(counter, 1, rule, 1, 10), 0);
  assert.notEqual(take(counter, 1, rule, 1, 10), 0);
  counter.giveBack(...idOf(1), rule, 1);
  assert.equal(take(counter, 1, rule, 1, 10), 0);
  assert.equal(counter.remaining, 0);
});

test('a million keys through a table of the default size: each gets its limit, in constant memory', (t) => {
  const words = createLimiterWords(131_072, 0);
  const table = new LimiterTable(words);
  const counter = new SlidingWindow(table);
  const rule = { limit: 2, windowMs: 1_000 };
  const hash = new KeyHash(5, 6);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  let wrong = 0;
  let mostInUse = 0;
  for (let i = 0; i < 1_000_000; i += 1) {
    // 20,000 new keys a second: two windows of them, and what the sweep has not seen, fit.
    const nowMs = Math.floor(i / 20);
    hash.hash(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1);
    counter.at(nowMs, nowMs);
    for (let request = 0; request < 4; request += 1) {
      const wait = counter.take(hash.high, hash.low, rule, 1, false);
      if (request < 2 ? wait !== 0 : wait < 1) wrong += 1;
    }
    if (i % 10_000 === 0) mostInUse = Math.max(mostInUse, table.inUse);
    if (i % 5_000 === 0) table.sweep((i / 5_000) * 2_048, 2_048, nowMs);
  }
  const after = process.memoryUsage();
  const grownBytes = after.heapUsed + after.arrayBuffers - heapUsed - arrayBuffers;
  t.diagnostic(`${wrong} wrong; at most ${mostInUse} of ${table.slots} in use; memory grew by ${grownBytes} bytes`);
  assert.equal(wrong, 0);
  assert.equal(table.foundFull, 0);
  // An entry in a map for each key would be some 50 MB.
  assert.ok(grownBytes < 8_000_000, `${grownBytes}`);
});

test('a million keys through a small table: full is said, slots come back when their windows have passed', (t) => {
  const table = new LimiterTable(createLimiterWords(65_536, 0));
  const counter = new SlidingWindow(table);
  const rule = { limit: 1, windowMs: 60_000 };
  let firstFull = -1;
  let full = 0;
  const hash = new KeyHash(3, 4);
  counter.at(1_000, 1_000);
  for (let i = 0; i < 1_000_000; i += 1) {
    hash.hash(`2001:db8::${i}`, 1);
    const wait = counter.take(hash.high, hash.low, rule, 1, false);
    if (wait !== FULL) continue;
    full += 1;
    if (firstFull === -1) firstFull = table.inUse;
  }
  t.diagnostic(`first full at ${((100 * firstFull) / table.slots).toFixed(1)} % use; ${full} found no room`);
  assert.ok(firstFull > 0.65 * table.slots, `${firstFull} of ${table.slots}`);
  assert.ok(full >= 1_000_000 - table.slots && table.inUse <= table.slots);
  assert.equal(table.foundFull, full);
  table.sweep(0, table.slots / 8, 1_000 + 121_000);
  assert.equal(table.inUse, 0);
  assert.equal(take(counter, 1, rule, 1, 122_000), 0);
});
