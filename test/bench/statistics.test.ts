import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RoundRow } from '../../bench/rounds.ts';
import { percentile, spreadOf } from '../../bench/statistics.ts';
import { baselineOf, summarise } from '../../bench/summary.ts';
import { tableOf } from '../../bench/table.ts';

describe('statistics', () => {
  test('median, lowest, highest', () => {
    assert.deepEqual(spreadOf([10, 9, 100]), { median: 10, min: 9, max: 100 });
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
    assert.deepEqual(spreadOf([7]), { median: 7, min: 7, max: 7 });
    assert.throws(() => spreadOf([]), RangeError);
  });

  test('percentiles by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.equal(percentile(hundred, 0.5), 50);
    assert.equal(percentile(hundred, 0.99), 99);
    assert.equal(percentile(hundred, 1), 100);
    assert.equal(percentile([10, 9], 0.5), 9);
    assert.equal(percentile([3], 0.99), 3);
    assert.equal(percentile([], 0.5), Number.NaN);
  });
});

describe('summary', () => {
  const row = (round: number, peer: string, cpuUs: number, problems: readonly string[] = []): RoundRow => ({
    round,
    peer,
    cpuUs,
    rssBytes: 50_000_000,
    problems,
    result: {
      answered: 100,
      errors: 0,
      non2xx: 0,
      limited: 0,
      mismatches: 0,
      bodyBytes: 9_000,
      sentBodyBytes: 0,
      attacks: 0,
      attacksPassed: 0,
      seconds: 0.5,
      p50Ms: 1,
      p90Ms: 1.5,
      p99Ms: 2,
      p999Ms: 3,
    },
    upstream: { requests: 100, bodyBytes: null },
    disturbance: { othersCores: 0, stolenCores: 0 },
  });

  test('ratios are taken within each round', () => {
    const rows = [row(0, 'nginx', 1_000), row(0, 'b', 1_200), row(1, 'b', 6_000), row(1, 'nginx', 4_000)];
    const [nginx, b] = summarise('plain', rows);
    assert.equal(nginx?.peer, 'nginx');
    assert.deepEqual(nginx?.ratio, { median: 1, min: 1, max: 1 });
    assert.deepEqual(b?.cpuUsPerRequest, { median: 36, min: 12, max: 60 });
    assert.deepEqual(b?.ratio, { median: 1.35, min: 1.2, max: 1.5 });
    assert.equal(b?.requestsPerSecond.median, 200);
    assert.deepEqual([b?.answered, b?.bodyBytes, b?.cpuSecondsPerGB], [200, 18_000, null]);
  });

  test('no ratio without the baseline', () => {
    assert.equal(summarise('plain', [row(0, 'b', 1_200)])[0]?.ratio, null);
  });

  test('a firewall is compared with ModSecurity, and says how many attacks there were', () => {
    assert.equal(baselineOf('plain'), 'nginx');
    const rows = [row(0, 'modsecurity', 1_000), row(0, 'b', 500)];
    const summaries = summarise(
      'crs-get',
      rows.map((one) => ({ ...one, result: { ...one.result, attacks: 2 } })),
    );
    assert.deepEqual(
      summaries.map(({ ratio, attacks, cpuSecondsPerGB }) => [ratio?.median, attacks, cpuSecondsPerGB]),
      [
        [1, 2, null],
        [0.5, 2, null],
      ],
    );
    const [head = '', first = ''] = tableOf(summaries, baselineOf('crs-get')).split('\n');
    assert.match(head, / ratio to modsecurity .* answers +errors +attacks +body bytes /);
    assert.match(first, / 100 +0 +2 +9000 +ok$/);
  });

  test('bulk is counted in CPU seconds per gigabyte', () => {
    // 1,200 us for 9,000 bytes.
    assert.equal(summarise('download', [row(0, 'b', 1_200)])[0]?.cpuSecondsPerGB?.median.toFixed(3), '133.333');
  });

  test('the table is aligned and shows what does not hold', () => {
    const rows = [row(0, 'nginx', 1_000), row(0, 'b', 1_200, ['errors: 1, not 0'])];
    const summaries = summarise('plain', rows);
    assert.deepEqual(summaries[1]?.problems, ['round 1: errors: 1, not 0']);
    const lines = tableOf(summaries, 'nginx').split('\n');
    assert.equal(lines.length, 3);
    assert.equal(new Set(lines.map((line) => line.length)).size, 1);
    assert.match(
      lines[1] ?? '',
      /^nginx +10\.0 \[10\.0 10\.0\] +1\.00 \[1\.00 1\.00\] +200 +1\.00 +1\.50 +2\.00 +3\.00 +50 +- +- +100 +0 +9000 +ok$/,
    );
    assert.match(lines[2] ?? '', /^b +12\.0 .* INVALID$/);
  });
});
