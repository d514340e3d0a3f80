import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BanTable } from '../../src/abuse/ban-table.ts';
import { createBanWords } from '../../src/abuse/layout.ts';
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
    limiterWords: createLimiterWords(1_024),
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
    limiterWords: createLimiterWords(1_024),
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
