import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BanTable, type BanTerms, banLength } from '../../src/abuse/ban-table.ts';
import { createBanWords, ID_HIGH, IN_USE, LOCK, SLOT_WORDS, TAKEN_LOCKS, VERSION } from '../../src/abuse/layout.ts';
import { TableLock } from '../../src/base/table-lock.ts';

const TERMS: BanTerms = { banMs: 1_000, banMsMax: 10_000, forgetMs: 100_000, windowMs: 2_000 };

test('a ban runs for its time, and all views of the table see it', () => {
  const words = createBanWords(1_024);
  const [one, other] = [new BanTable(words), new BanTable(words)];
  assert.equal(one.leftMs(5, 7, 50), 0);
  assert.equal(one.ban(5, 7, TERMS, 50), true);
  assert.deepEqual([one.strikes, one.leftForMs], [1, 1_000]);
  for (const table of [one, other]) {
    assert.ok(table.leftMs(5, 7, 50) >= 1_000 && table.leftMs(5, 7, 50) < 1_100);
    assert.ok(table.leftMs(5, 7, 1_049) > 0);
    assert.equal(table.leftMs(5, 7, 1_150), 0);
    assert.equal(table.leftMs(5, 8, 50), 0);
    assert.equal(table.leftMs(6, 7, 50), 0);
  }
});

test('who is banned is not banned again: no strike, no longer ban', () => {
  const table = new BanTable(createBanWords(1_024));
  assert.equal(table.ban(1, 1, TERMS, 0), true);
  assert.equal(table.ban(1, 1, TERMS, 900), false);
  assert.equal(table.leftMs(1, 1, 1_000), 0);
  assert.equal(table.read(1, 1, 1_000), true);
  assert.equal(table.strikes, 1);
});

test('each further ban lasts twice as long up to the cap, until all is forgotten', () => {
  const table = new BanTable(createBanWords(1_024));
  let nowMs = 0;
  const lengths: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    assert.equal(table.ban(9, 9, TERMS, nowMs), true);
    lengths.push(table.leftForMs);
    nowMs += table.leftForMs + 500;
  }
  assert.deepEqual(lengths, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  // A quiet time that is just short of forgetting, then one that is not.
  nowMs += 99_000;
  table.ban(9, 9, TERMS, nowMs);
  assert.equal(table.strikes, 7);
  nowMs += table.leftForMs + 100_500;
  table.ban(9, 9, TERMS, nowMs);
  assert.deepEqual([table.strikes, table.leftForMs], [1, 1_000]);
  assert.equal(banLength({ ...TERMS, banMs: 20_000 }, 1), 10_000, 'the cap holds for the first one too');
  assert.equal(banLength(TERMS, 5_000), 10_000);
});

test('ticks wrap: bans hold across 2^32 of them', () => {
  const wrapMs = 2 ** 31 * 100;
  for (const startMs of [wrapMs - 500, 2 * wrapMs - 500]) {
    const table = new BanTable(createBanWords(1_024));
    table.ban(3, 3, TERMS, startMs);
    assert.ok(table.leftMs(3, 3, startMs + 900) > 0);
    assert.equal(table.leftMs(3, 3, startMs + 1_200), 0);
    table.ban(3, 3, TERMS, startMs + 1_200);
    assert.equal(table.strikes, 2);
  }
});

test('an epoch is another one after each ban and each lift', () => {
  const table = new BanTable(createBanWords(1_024));
  const epochs = [table.epochOf(4, 4)];
  table.ban(4, 4, TERMS, 1_000);
  epochs.push(table.epochOf(4, 4));
  table.set(4, 4, 0, 5_000, 0, 1_000);
  epochs.push(table.epochOf(4, 4));
  table.set(4, 4, 0, 5_000, 0, 1_000);
  epochs.push(table.epochOf(4, 4));
  assert.equal(new Set(epochs).size, 4, epochs.join());
  assert.equal(table.leftMs(4, 4, 1_000), 0);
});

test('a full table gives up the ban that ends first, and counts it', () => {
  const table = new BanTable(createBanWords(1_024));
  for (let key = 0; key < 1_024; key += 1) {
    // Ends in a scattered order.
    table.set(key, key, 10_000 + ((key * 37) % 1_024) * 1_000, 5_000_000, 1, 0);
  }
  assert.deepEqual([table.inUse, table.evicted], [1_024, 0]);
  const endOrder = Array.from({ length: 1_024 }, (_, key) => key).sort(
    (a, b) => ((a * 37) % 1_024) - ((b * 37) % 1_024),
  );
  for (let i = 0; i < 500; i += 1) {
    assert.equal(table.ban(7_000 + i, 1, { ...TERMS, banMs: 5_000_000, banMsMax: 5_000_000 }, 0), true);
    const gone = endOrder[i] as number;
    assert.equal(table.madeRoom, true);
    // The table writes an id's high half of 0 as 1.
    assert.deepEqual([table.madeRoomHigh, table.madeRoomLow], [Math.max(1, gone), gone]);
    assert.equal(table.leftMs(gone, gone, 0), 0);
  }
  assert.deepEqual([table.inUse, table.evicted], [1_024, 500]);
  for (const key of endOrder.slice(500)) assert.ok(table.leftMs(key, key, 0) > 0, `${key}`);
});

test('bans that are lifted or shortened make room in their new order, across the wrap of ticks as well', () => {
  for (const startMs of [1_000_000, 2 ** 31 * 100 - 30_000]) {
    const table = new BanTable(createBanWords(64));
    for (let key = 1; key <= 64; key += 1) table.set(key, key, 10_000 + key * 1_000, 5_000_000, 1, startMs);
    table.set(64, 64, -5_000, 5_000_000, 0, startMs);
    table.set(63, 63, -4_000, 5_000_000, 0, startMs);
    table.set(33, 33, 1_000, 5_000_000, 1, startMs);
    table.set(1, 1, 100_000, 5_000_000, 1, startMs);
    const gone: number[] = [];
    for (let i = 0; i < 64; i += 1) {
      table.set(9_000, i, 2_000_000, 5_000_000, 1, startMs);
      gone.push(table.madeRoomLow);
    }
    const between = Array.from({ length: 61 }, (_, i) => i + 2).filter((key) => key !== 33);
    assert.deepEqual(gone, [64, 63, 33, ...between, 1]);
    assert.equal(table.evicted, 62, 'those that had ended are not counted');
  }
});

test('ended bans whose strikes are remembered make room before running ones, uncounted', () => {
  const table = new BanTable(createBanWords(1_024));
  for (let key = 1; key <= 1_023; key += 1) table.set(key, key, 60_000, 100_000, 1, 0);
  table.set(5_000, 5, -1_000, 100_000, 3, 0);
  table.ban(6_000, 6, TERMS, 0);
  assert.deepEqual([table.madeRoomHigh, table.evicted], [5_000, 0]);
});

test('sweeping frees what is forgotten and nothing else', () => {
  const table = new BanTable(createBanWords(1_024));
  for (let key = 1; key <= 100; key += 1) table.ban(key, key, TERMS, key * 1_000);
  const sweepAll = (nowMs: number) => {
    let slot = 0;
    do slot = table.sweep(slot, 100, nowMs);
    while (slot !== 0);
  };
  sweepAll(101_900);
  assert.equal(table.inUse, 100);
  sweepAll(151_900);
  assert.equal(table.inUse, 50);
  sweepAll(1_000_000);
  assert.equal(table.inUse, 0);
  table.ban(1, 1, TERMS, 1_000_000);
  assert.equal(table.inUse, 1);
});

interface Known {
  ends: number;
  remembered: number;
  strikes: number;
}

test('the table does what a Map with the same rules does', () => {
  const CAPACITY = 8;
  const step = fc.record({
    op: fc.constantFrom('ban', 'ban', 'ban', 'set', 'lift', 'sweep'),
    key: fc.nat(13),
    aheadMs: fc.constantFrom(0, 100, 700, 1_000, 3_000, 20_000, 150_000),
    leftMs: fc.constantFrom(1_000, 3_000, 40_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new BanTable(createBanWords(CAPACITY));
      const model = new Map<number, Known>();
      let nowMs = 1_000_000_000;
      const put = (key: number, known: Known) => {
        if (!model.has(key) && model.size === CAPACITY) {
          const first = Math.min(...[...model.values()].map(({ ends }) => ends));
          const victims = [...model].filter(([, { ends }]) => ends === first).map(([victim]) => victim);
          // Of those that end at once any may go: the table says which.
          const gone = victims.find((victim) => victim === table.madeRoomLow);
          assert.notEqual(gone, undefined, `${table.madeRoomLow} went, one of ${victims} ends first`);
          model.delete(gone as number);
        }
        model.set(key, known);
      };
      for (const { op, key, aheadMs, leftMs } of steps) {
        nowMs += aheadMs;
        const known = model.get(key);
        if (op === 'ban') {
          const may = known === undefined || known.ends <= nowMs;
          // All keys share a low half with another one: chains are longer than one.
          assert.equal(table.ban(key + 1, key, TERMS, nowMs), may);
          if (may) {
            const strikes = known !== undefined && nowMs - known.ends <= TERMS.forgetMs ? known.strikes + 1 : 1;
            const ends = nowMs + Math.min(10_000, 1_000 * 2 ** (strikes - 1));
            put(key, { ends, remembered: ends + 100_000, strikes });
          }
        } else if (op === 'set') {
          table.set(key + 1, key, leftMs, leftMs + 5_000, 2, nowMs);
          put(key, { ends: nowMs + leftMs, remembered: nowMs + leftMs + 5_000, strikes: 2 });
        } else if (op === 'lift' && known !== undefined) {
          table.set(key + 1, key, 0, 5_000, 0, nowMs);
          const ends = known.ends === nowMs ? nowMs - 100 : nowMs;
          put(key, { ends, remembered: nowMs + 5_000, strikes: 0 });
        } else if (op === 'sweep') {
          table.sweep(0, CAPACITY, nowMs);
          for (const [old, { remembered }] of model) if (remembered <= nowMs) model.delete(old);
        }
        assert.equal(table.inUse, model.size);
        for (let each = 0; each <= 13; each += 1) {
          const expected = model.get(each);
          assert.equal(table.leftMs(each + 1, each, nowMs), Math.max(0, (expected?.ends ?? 0) - nowMs), `key ${each}`);
          assert.equal(table.read(each + 1, each, nowMs), expected !== undefined);
          if (expected !== undefined) assert.equal(table.strikes, expected.strikes);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('looks go on while a writer is held up, or died', () => {
  const words = createBanWords(1_024);
  const table = new BanTable(words);
  table.set(5, 7, 60_000, 100_000, 1, 0);
  words[VERSION] = (words[VERSION] as number) | 1;
  assert.ok(table.leftMs(5, 7, 0) > 0);
  assert.equal(table.leftMs(6, 7, 0), 0);
});

test('a writer that was held up while its lock was taken leaves the table whole', () => {
  const words = createBanWords(1_024);
  const table = new BanTable(words);
  table.set(1, 1, 60_000, 100_000, 1, 0);
  let repairs = 0;
  const lock = new TableLock(words, LOCK, () => {
    repairs += 1;
  });
  lock.enter();
  // Another thread takes it after a second, and is done.
  words[LOCK] = 999;
  assert.equal(table.ban(2, 2, TERMS, 0), true);
  lock.leave();
  assert.equal(repairs, 1, 'two may have written at once');
  assert.deepEqual([words[LOCK], (words[VERSION] as number) & 1], [0, 0]);
  assert.equal(table.ban(3, 3, TERMS, 0), true);
  for (const key of [1, 2, 3]) assert.ok(table.leftMs(key, key, 0) > 0);
});

test('a key that two threads wrote at once has one place when the table was made whole', () => {
  const words = createBanWords(64);
  const table = new BanTable(words);
  table.set(5, 7, 60_000, 100_000, 1, 0);
  table.set(6, 7, 60_000, 100_000, 1, 0);
  const firstSlot = words.length - 64 * SLOT_WORDS;
  words[firstSlot + SLOT_WORDS + ID_HIGH] = 5;
  words[LOCK] = 12_345;
  table.set(5, 7, 0, 50_000, 0, 0);
  assert.deepEqual([table.inUse, words[TAKEN_LOCKS]], [1, 1]);
  let slot = 0;
  do slot = table.sweep(slot, 64, 50_200);
  while (slot !== 0);
  assert.deepEqual([table.inUse, table.leftMs(5, 7, 50_200)], [0, 0], 'no ban comes back');
  for (let key = 0; key < 64; key += 1) table.set(9, key, 60_000, 100_000, 1, 0);
  assert.deepEqual([table.inUse, table.evicted], [64, 0]);
});

test('a lock left by a thread that died is taken after a second, and the table made whole', () => {
  const words = createBanWords(1_024);
  const table = new BanTable(words);
  for (let key = 1; key <= 50; key += 1) table.set(key, key, 60_000, 100_000, 1, 0);
  // It died amidst: the lock is held, the version odd, and chains and heap are of no use.
  words[LOCK] = 12_345;
  words[VERSION] = (words[VERSION] as number) | 1;
  words.fill(0, 16, 16 + 1_024 + 1_024);
  words[IN_USE] = 3;
  assert.equal(table.ban(99, 99, TERMS, 0), true);
  assert.equal(words[TAKEN_LOCKS], 1);
  assert.equal(words[LOCK], 0);
  assert.equal((words[VERSION] as number) & 1, 0);
  assert.equal(table.inUse, 51);
  for (let key = 1; key <= 50; key += 1) assert.ok(table.leftMs(key, key, 0) > 0);
  assert.ok(table.leftMs(99, 99, 0) > 0);
});
