import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createMemoryWord,
  PRIORITIES,
  type Priority,
  priorityNumber,
  Shedder,
  type SheddingSettings,
  writeMemory,
} from '../../src/throttle/shedder.ts';

const MEBIBYTE = 1_048_576;

/** Random numbers that are spread evenly, and known. */
function evenly(): () => number {
  let step = 0;
  return () => {
    step += 1;
    return (step * 0.618_033_988_75) % 1;
  };
}

function shedder(settings: Partial<SheddingSettings>, memory = createMemoryWord()): Shedder {
  return new Shedder({ loopDelayMs: 0, memoryBytes: 0, ...settings }, memory, evenly());
}

function ticks(shed: Shedder, delayMs: number, count: number): void {
  for (let i = 0; i < count; i += 1) shed.loopDelay(delayMs);
}

/** Share of a thousand requests that is refused, in percent. */
function refused(shed: Shedder, priority: Priority): number {
  const number = priorityNumber(priority);
  let count = 0;
  for (let i = 0; i < 1_000; i += 1) if (shed.sheds(number)) count += 1;
  return Math.round(count / 10);
}

describe('event loop delay', () => {
  test('one long tick sheds nothing, lasting delay does within three', () => {
    const shed = shedder({ loopDelayMs: 100 });
    for (const delayMs of [0, 5_000, 0, 3, 60_000, 2, 0, 900, 0]) {
      shed.loopDelay(delayMs);
      assert.equal(shed.level, 0, `after ${delayMs}`);
    }
    ticks(shed, 400, 3);
    assert.ok(shed.level > 0.9, `${shed.level}`);
  });

  test('ends below three quarters of the threshold, not at it', () => {
    const shed = shedder({ loopDelayMs: 100 });
    ticks(shed, 99, 100);
    assert.equal(shed.level, 0);
    ticks(shed, 101, 100);
    assert.ok(shed.level > 0);
    ticks(shed, 80, 200);
    assert.ok(shed.level > 0 && shed.level < 0.05, `${shed.level}`);
    ticks(shed, 74, 200);
    assert.equal(shed.level, 0);
    ticks(shed, 99, 200);
    assert.equal(shed.level, 0);
  });

  test('low goes first, then normal, then high; critical never', () => {
    const shares = (delayMs: number) => {
      const shed = shedder({ loopDelayMs: 100 });
      ticks(shed, delayMs, 300);
      return PRIORITIES.map((priority) => refused(shed, priority));
    };
    assert.deepEqual(shares(99), [0, 0, 0, 0]);
    // Level 0.24 at 105 ms, 0.4 at 125, 0.8 at 175.
    assert.deepEqual(shares(105), [0, 0, 0, 72]);
    assert.deepEqual(shares(125), [0, 0, 20, 100]);
    assert.deepEqual(shares(175), [0, 40, 100, 100]);
    assert.deepEqual(shares(5_000), [0, 100, 100, 100]);
  });

  test('0 is never', () => {
    const shed = shedder({});
    ticks(shed, 60_000, 100);
    assert.equal(shed.level, 0);
    assert.equal(refused(shed, 'low'), 0);
  });

  test('shedding that helps settles instead of swinging between all and nothing', () => {
    // Each request costs the loop: delay follows what is admitted of low and normal in equal parts.
    const shed = shedder({ loopDelayMs: 100 });
    const seen: number[] = [];
    for (let tick = 0; tick < 400; tick += 1) {
      const admitted = 200 - refused(shed, 'low') - refused(shed, 'normal');
      shed.loopDelay(admitted);
      if (tick >= 200) seen.push(admitted);
    }
    const [least, most] = [Math.min(...seen), Math.max(...seen)];
    assert.ok(least >= 60 && most <= 140, `between ${least} and ${most}`);
  });
});

describe('memory', () => {
  test('counts over all threads alike, ends below 95 %, is at its worst at 110 %', () => {
    const memory = createMemoryWord();
    const [one, two] = [
      shedder({ memoryBytes: 1_000 * MEBIBYTE }, memory),
      shedder({ memoryBytes: 1_000 * MEBIBYTE }, memory),
    ];
    const levels = (mebibytes: number) => {
      writeMemory(memory, mebibytes * MEBIBYTE);
      for (const shed of [one, two]) shed.loopDelay(0);
      assert.equal(one.level, two.level);
      return Math.round(one.level * 100);
    };
    assert.deepEqual([999, 1_000, 1_050, 1_100, 9_000, 960, 949, 999].map(levels), [0, 33, 67, 100, 100, 7, 0, 0]);
  });

  test('holds what machines have', () => {
    const memory = createMemoryWord();
    const shed = shedder({ memoryBytes: 100 * 2 ** 40 }, memory);
    writeMemory(memory, 101 * 2 ** 40);
    shed.loopDelay(0);
    assert.ok(shed.level > 0.3);
  });
});

test('the worse of the two counts, and other settings hold from the next tick on', () => {
  const memory = createMemoryWord();
  const shed = shedder({ loopDelayMs: 100, memoryBytes: 1_000 * MEBIBYTE }, memory);
  writeMemory(memory, 1_000 * MEBIBYTE);
  ticks(shed, 150, 300);
  assert.equal(Math.round(shed.level * 100), 60);
  shed.change({ loopDelayMs: 0, memoryBytes: 1_000 * MEBIBYTE });
  ticks(shed, 150, 1);
  assert.equal(Math.round(shed.level * 100), 33);
  shed.change({ loopDelayMs: 0, memoryBytes: 0 });
  ticks(shed, 150, 1);
  assert.equal(shed.level, 0);
});

test('Retry-After is longer the worse it is, whole, and not the same for all', () => {
  const shed = shedder({ loopDelayMs: 100 });
  const range = () => {
    const seen = new Set(Array.from({ length: 100 }, () => shed.retryAfterSeconds()));
    return [Math.min(...seen), Math.max(...seen)];
  };
  assert.deepEqual(range(), [1, 1]);
  ticks(shed, 1_000, 10);
  assert.deepEqual(range(), [6, 10]);
});
