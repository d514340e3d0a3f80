import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Permits, type Rate } from '../../src/throttle/permits.ts';
import { fuzzRun } from '../support/fuzz.ts';

/** The algorithm as the standard has it, in exact numbers of its own: no word, no units. */
class Reference {
  #arrival = Number.NEGATIVE_INFINITY;
  readonly #intervalMs: number;
  readonly #windowMs: number;

  constructor({ requests, perMs, burst }: Rate) {
    this.#intervalMs = perMs / requests;
    this.#windowMs = (burst - 1) * this.#intervalMs;
  }

  /** How long a permit has been due, milliseconds; below 0: until one is. */
  dueForMs(nowMs: number): number {
    return nowMs + this.#windowMs - this.#arrival;
  }

  take(nowMs: number): void {
    this.#arrival = Math.max(this.#arrival, nowMs) + this.#intervalMs;
  }
}

function permits(rate: Rate, nowMs: number): Permits {
  const fresh = new Permits(new Int32Array(new SharedArrayBuffer(4)), 0, rate);
  fresh.reset(nowMs);
  return fresh;
}

describe('permits', () => {
  test('agree with the reference, whatever the rate, the clock and the pauses', (t) => {
    const rates = fc.record({
      requests: fc.integer({ min: 1, max: 100_000 }),
      perMs: fc.integer({ min: 1, max: 3_600_000 }),
      burst: fc.integer({ min: 1, max: 1_000 }),
    });
    const pauses = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 200 });
    const starts = fc.double({ min: 0, max: 1e10, noNaN: true });
    let [sure, cases] = [0, 0];
    fc.assert(
      fc.property(rates, pauses, starts, (rate, steps, startMs) => {
        const intervalMs = rate.perMs / rate.requests;
        const [ours, reference] = [permits(rate, startMs), new Reference(rate)];
        // Each pause may round down by a unit.
        const unitMs = Math.max(0.005, (intervalMs * rate.burst) / 2 ** 27);
        let nowMs = startMs;
        for (const [index, step] of steps.entries()) {
          nowMs += step * intervalMs;
          const dueForMs = reference.dueForMs(nowMs);
          const taken = ours.take(nowMs, false);
          cases += 1;
          if (Math.abs(dueForMs) > (index + 2) * unitMs) {
            sure += 1;
            assert.equal(taken, dueForMs > 0, `due for ${dueForMs} ms`);
          }
          if (taken) reference.take(nowMs);
        }
      }),
      fuzzRun(t, 300),
    );
    assert.ok(sure > cases / 2, `${sure} of ${cases} decisions are not a matter of rounding`);
  });

  test('never more than burst and rate allow, in any stretch of time', (t) => {
    fc.assert(
      fc.property(
        fc.record({
          requests: fc.integer({ min: 1, max: 10_000 }),
          perMs: fc.constant(1_000),
          burst: fc.integer({ min: 1, max: 50 }),
        }),
        fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (rate, steps) => {
          const ours = permits(rate, 7e9);
          const taken: number[] = [];
          let nowMs = 7e9;
          for (const step of steps) {
            nowMs += step;
            while (ours.take(nowMs, false)) taken.push(nowMs);
          }
          for (let from = 0; from < taken.length; from += 7) {
            const stretchMs = nowMs - (taken[from] as number);
            // A unit of the word is 2.4 us here; the interval is a whole number of them.
            const most = rate.burst + Math.floor(((stretchMs + 0.003) * rate.requests) / rate.perMs);
            assert.ok(
              taken.length - from <= most,
              `${taken.length - from} permits in ${stretchMs} ms, ${most} allowed`,
            );
          }
        },
      ),
      fuzzRun(t, 200),
    );
  });

  test('the whole burst is there after a pause, whatever part of a millisecond it is', (t) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1e10, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (requests, burst, startMs, pause) => {
          const ours = permits({ requests, perMs: 1_000, burst }, startMs);
          const intervalMs = 1_000 / requests;
          for (const nowMs of [startMs, startMs + (burst + pause) * intervalMs + 0.01]) {
            let taken = 0;
            while (ours.take(nowMs, false)) taken += 1;
            assert.equal(taken, burst);
          }
        },
      ),
      fuzzRun(t, 500),
    );
  });

  test('a backlog loses none: exactly the rate over an hour, a permit a day as well', () => {
    for (const rate of [
      { requests: 997, perMs: 1_000, burst: 1 },
      { requests: 3, perMs: 1_000, burst: 5 },
      { requests: 1, perMs: 86_400_000, burst: 1 },
    ]) {
      const ours = permits(rate, 1_000);
      let taken = 0;
      const endMs = Math.max(3_600_000, rate.perMs * 3);
      const stepMs = rate.perMs > 1_000_000 ? 50 : 1.3;
      for (let nowMs = 1_000; nowMs <= 1_000 + endMs; nowMs += stepMs) while (ours.take(nowMs, true)) taken += 1;
      const due = rate.burst + (endMs * rate.requests) / rate.perMs;
      assert.ok(taken <= due + (100 * rate.requests) / rate.perMs && taken >= due - 3, `${taken} of ${due}`);
    }
  });

  test('dueInMs and within say what take does', () => {
    const ours = permits({ requests: 10, perMs: 1_000, burst: 2 }, 1_000);
    assert.ok(ours.dueInMs(1_000) <= -100);
    assert.deepEqual([ours.within(0, 1_000), ours.within(99, 1_000), ours.within(100.1, 1_000)], [2, 2, 3]);
    assert.deepEqual(
      [1, 2, 3].map(() => ours.take(1_000, false)),
      [true, true, false],
    );
    assert.ok(Math.abs(ours.dueInMs(1_000) - 100) < 0.01, `${ours.dueInMs(1_000)}`);
    assert.deepEqual([ours.within(50, 1_000), ours.within(100.1, 1_000), ours.within(1_000.1, 1_000)], [0, 1, 10]);
    assert.equal(ours.take(1_099, false), false);
    assert.equal(ours.take(1_100.1, false), true);
  });

  test('a word at rest never comes round: months without a request change nothing', () => {
    const rate = { requests: 1_000, perMs: 1_000, burst: 1 };
    const ours = permits(rate, 1_000);
    assert.equal(ours.take(1_000, false), true);
    const monthMs = 2_592_000_000;
    for (let nowMs = 1_000; nowMs < monthMs; nowMs += 900_000) {
      ours.rest(nowMs);
      assert.ok(ours.dueInMs(nowMs + 2) <= 0, `at ${nowMs}`);
    }
    assert.deepEqual([ours.take(monthMs, true), ours.within(10.1, monthMs) > 100], [true, true], 'a backlog of 100 ms');
    assert.equal(ours.take(monthMs + 1, false), true);
    assert.equal(ours.take(monthMs + 1, false), false);
  });
});

test('a time long past is not taken for one to come, up to three quarters of the way round', () => {
  // 429 units a millisecond: half of the way round is 5,000 s, three quarters 7,500 s.
  for (const afterMs of [1_000, 4_900_000, 5_100_000, 7_400_000]) {
    const fresh = permits({ requests: 1_000, perMs: 1_000, burst: 1 }, 80_000);
    assert.equal(fresh.take(80_000 + afterMs, false), true, `${afterMs} ms`);
    assert.ok(fresh.dueInMs(80_000 + afterMs) > 0);
  }
});
