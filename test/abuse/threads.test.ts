import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BanTable } from '../../src/abuse/ban-table.ts';
import { createBanWords, HEADER_WORDS, HEADS, ID_HIGH, ID_LOW, LOCK, SLOT_WORDS } from '../../src/abuse/layout.ts';
import { banSalt } from '../../src/abuse/rules.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { hammer } from './hammer-job.ts';
import { abuseOf } from './support.ts';

test('four threads that cross the threshold of one key at once make one ban and one strike', async () => {
  const banWords = createBanWords(1_024);
  const rounds = 50;
  // Every round is behind the ban of the one before, within its window, and never a first one again.
  const abuse = abuseOf({ probing: { failures: 30, windowMs: 60_000, banMs: 1_000, banMsMax: 1_000 } });
  const results = await hammer({
    job: 'one-key',
    banWords,
    limiterWords: createLimiterWords(1_024, 0),
    threads: 4,
    rounds,
    abuse,
  });
  const perRound = Array.from({ length: rounds }, (_, round) =>
    results.reduce((sum, { perRound: made }) => sum + (made[round] as number), 0),
  );
  assert.deepEqual(perRound, new Array(rounds).fill(1));
  const table = new BanTable(banWords);
  const hash = new KeyHash(1, 2);
  hash.hash('192.0.2.1', banSalt('probing', 'address', saltOf));
  assert.equal(table.read(hash.high, hash.low, 1_000_000 + rounds * 2_500), true);
  assert.equal(table.strikes, rounds);
  assert.equal(table.takenLocks, 0);
});

test('looks stay right while other threads fill and empty the same chains', async () => {
  const banWords = createBanWords(64);
  new BanTable(banWords).set(77, 64, 2_000_000_000, 2_000_000_000, 1, 0);
  const results = await hammer({
    job: 'churn',
    banWords,
    limiterWords: createLimiterWords(1_024, 0),
    threads: 4,
    rounds: 5,
    abuse: abuseOf({}),
  });
  const sum = (of: 'wrong' | 'missed') => results.reduce((total, result) => total + result[of], 0);
  assert.equal(sum('wrong'), 0, 'nobody is banned for another');
  // A look does not wait for writers that never pause: one in 200,000 may miss.
  assert.ok(sum('missed') <= 10, `${sum('missed')} of 2,000,000 looks missed the ban`);
  const table = new BanTable(banWords);
  assert.equal(table.inUse, 64);
  assert.ok(table.evicted > 100_000, `${table.evicted} bans made room`);
  assert.equal(table.takenLocks, 0);
});

test('threads that are ended while they write: whoever comes next goes on, with a table that is whole', async (t) => {
  const SLOTS = 256;
  const words = createBanWords(SLOTS);
  const table = new BanTable(words);
  const firstSlot = HEADER_WORDS + (words[HEADS] as number) + SLOTS;
  let died = 0;
  for (let round = 0; round < 40 && died < 3; round += 1) {
    const worker = new Worker(new URL('./churner.js', import.meta.url), { workerData: words });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, round % 7));
    await worker.terminate();
    if (words[LOCK] !== 0) died += 1;
    table.set(7_000, 7, 1_000_000_000, 1_000_000_000, round + 1, 0);
    assert.equal(words[LOCK], 0);
    assert.equal(table.takenLocks, died);
    let used = 0;
    for (let slot = firstSlot; slot < words.length; slot += SLOT_WORDS) {
      const [high, low] = [words[slot + ID_HIGH] as number, words[slot + ID_LOW] as number];
      if (high === 0) continue;
      used += 1;
      assert.ok(table.read(high, low, 0), `round ${round}: ${high}:${low} is in no chain`);
    }
    assert.equal(table.inUse, used);
    assert.ok(table.leftMs(7_000, 7, 0) > 0);
  }
  t.diagnostic(`${died} threads died with the lock`);
  assert.ok(died > 0, 'none was ended while it wrote');
  for (let key = 0; key < 2 * SLOTS; key += 1) table.set(9_000, key, 2_000_000_000, 2_000_000_000, 1, 0);
  assert.equal(table.inUse, SLOTS, 'no place was lost');
});
