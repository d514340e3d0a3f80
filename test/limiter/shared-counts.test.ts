import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  COUNT_MAX,
  createLimiterWords,
  ID_HIGH,
  ID_LOW,
  slotNumber,
  slotOfNumber,
  stateWord,
  tickOf,
  WINDOW_MS,
} from '../../src/limiter/layout.ts';
import { SharedClock } from '../../src/limiter/shared-clock.ts';
import { addCount, countIn, type KeyedSlot, windowInUse } from '../../src/limiter/shared-counts.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';
import type { CountData } from './count-thread.ts';

const HOUR_MS = 3_600_000;
const STEADY_MS = 500 * HOUR_MS;

function keyed(table: LimiterTable, slot: number): KeyedSlot {
  const { words } = table;
  return {
    slot,
    high: words[slot + ID_HIGH] as number,
    low: words[slot + ID_LOW] as number,
    windowMs: words[stateWord(slot) + WINDOW_MS] as number,
  };
}

test('slots and their numbers are the same thing', () => {
  const seen = new Set<number>();
  for (let number = 0; number < 1_024; number += 1) {
    const slot = slotOfNumber(number);
    assert.equal(slotNumber(slot), number);
    seen.add(slot);
  }
  assert.equal(seen.size, 1_024);
});

test('three threads count while others’ counts are added: nothing is lost, no mark either', async (t) => {
  let rounds = 0;
  for (const limit of [16_000_000, 40_000]) {
    const words = createLimiterWords(1_024, 0);
    const table = new LimiterTable(words);
    SharedClock.start(words, STEADY_MS, STEADY_MS);
    const data: CountData = { words, times: 60_000, limit, steadyMs: STEADY_MS };
    const workers = Array.from(
      { length: 3 },
      () => new Worker(new URL('./count-thread.js', import.meta.url), { workerData: data }),
    );
    const answers = Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as number));
    let isOver = false;
    void answers.finally(() => {
      isOver = true;
    });
    let added = 0;
    let lastOfThreads = 0;
    const number = STEADY_MS / HOUR_MS;
    const marked: number[] = [];
    const exchange = (add: number): void => {
      for (let at = 0; at < table.markWords; at += 1) table.takeMarks(at, marked);
      for (const slot of marked.splice(0)) {
        lastOfThreads = countIn(words, slot, number) - added;
        if (add === 0) continue;
        const more = addCount(table, keyed(table, slot), number, add, STEADY_MS, STEADY_MS);
        assert.equal(more, add);
        added += add;
      }
    };
    while (!isOver) {
      for (let i = 0; i < 50; i += 1) exchange(limit === 40_000 ? 1 : 7);
      rounds += 1;
      await nextTurn();
    }
    const admitted = (await answers).reduce((sum, one) => sum + one, 0);
    exchange(0);
    const slot = slotOfNumber(
      [...Array(1_024).keys()].find((at) => table.isLive(slotOfNumber(at), tickOf(STEADY_MS))) ?? -1,
    );
    const total = countIn(words, slot, number);
    assert.equal(total, admitted + added);
    if (limit === 40_000) assert.ok(total >= limit && total - added <= limit, `${total} counted, ${added} added`);
    else assert.equal(admitted, 180_000);
    // What threads counted after the last look at the marks had set one; what was added here sets none.
    assert.equal(lastOfThreads, admitted);
    t.diagnostic(`limit ${limit}: ${admitted} admitted, ${added} added, ${total} counted`);
  }
  assert.ok(rounds > 2, `${rounds} rounds`);
});

test('counts are added to the key that they are of, in windows that still matter, up to the most a word holds', () => {
  const words = createLimiterWords(1_024, 0);
  const table = new LimiterTable(words);
  const counter = new SlidingWindow(table);
  const rule = { limit: 1_000, windowMs: 1_000 };
  const nowMs = 5_000_000;
  counter.at(nowMs, nowMs);
  counter.take(7, 9, rule, 1, false);
  const own = keyed(table, counter.slot);
  const add = (number: number, count: number, key = own, atMs = nowMs): number =>
    addCount(table, key, number, count, atMs, atMs);
  assert.equal(add(5_000, 10), 10);
  assert.equal(countIn(words, own.slot, 5_000), 11);
  assert.equal(add(4_999, 300), 300, 'the window before');
  assert.equal(countIn(words, own.slot, 4_999), 300);
  assert.equal(counter.look(7, 9, rule, 1), 0);
  assert.equal(counter.remaining, 1_000 - 300 - 11 - 1);
  assert.equal(add(4_998, 300), -1, 'nobody asks for it any more');
  assert.equal(add(5_000, 10, { ...own, low: 10 }), -1, 'another key');
  assert.equal(add(5_000, 2 * COUNT_MAX), COUNT_MAX - 11);
  assert.equal(add(5_000, 5), 0);
  const raise = (count: number): number => addCount(table, own, 4_999, count, nowMs, nowMs, count);
  assert.deepEqual([raise(305), raise(305), raise(200), countIn(words, own.slot, 4_999)], [5, 0, 0, 305]);
  assert.equal(add(5_004, 5, own, nowMs + 4_500), -1, 'the key has passed');
  assert.equal(windowInUse(words, own.slot, 5_000), 5_000);
  assert.equal(windowInUse(words, own.slot, 4_990), 5_000, 'a clock that went back');
  assert.equal(windowInUse(words, own.slot, 5_003), 5_003);
});
