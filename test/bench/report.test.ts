import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { SaxesParser } from 'saxes';
import { CheckedJsonError, readCheckedJson } from '../../bench/checked-json.ts';
import { pageOf } from '../../bench/report/page.ts';
import { performanceOf, runNamedIn } from '../../bench/report/performance.ts';
import { nameOf, PROJECT, placeOf, writePage } from '../../bench/report/place.ts';
import { RUN_SCHEMA, type StoredRun } from '../../bench/report/run-schema.ts';
import { linear, logarithmic } from '../../bench/report/scale.ts';
import { figure } from '../../bench/report/text.ts';
import { plantedCase, plantedRun } from './stored-runs.ts';

const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.1 });
const newFigures = { p90Ms: spread(0.8), p999Ms: spread(3), rssMB: spread(120), errors: 0, addedUs: spread(1.25) };
const own = { ...newFigures, allocatedBytesPerRequest: 1_234, gcShare: 0.015 };
const openLoop = (peer: string, p99Ms: number | null) => ({
  peer,
  requestsPerSecond: 9_000,
  saturation: 18_000,
  p50Ms: 0.2,
  p90Ms: 0.4,
  p99Ms,
  p999Ms: 4,
  errors: 0,
});
const FULL = plantedRun([
  plantedCase(
    'plain',
    [
      { peer: 'nginx', costs: [10, 11, 12], more: newFigures },
      { peer: 'sallyport', costs: [17, 15, 21], more: own },
    ],
    [openLoop('nginx', 1), openLoop('sallyport', null)],
  ),
]);
const THIN = plantedRun([plantedCase('plain', [{ peer: 'sallyport', costs: [17] }])]);

describe('the page', () => {
  test('shows every figure that the run has', () => {
    const page = pageOf(FULL, 'bench/runs/x.json');
    for (const words of [
      '1.70 × nginx',
      '17.0 us',
      '1,234 bytes, 1.5 % of CPU time',
      '120.0 MB',
      '1.25 us',
      'p99 1.00 ms',
    ]) {
      assert.ok(page.includes(words), words);
    }
    assert.ok(page.includes('A &#60;fast&#62; one'), 'text is escaped');
    assert.ok(!page.includes('<fast>'));
  });

  test('asks for nothing from a network and runs nothing', () => {
    const page = pageOf(FULL, 'x.json');
    assert.doesNotMatch(page, /<script|<link|<img|@import|url\(|src=|href=/);
    assert.match(page, /prefers-color-scheme: dark/);
  });

  test('leaves out what a run does not have', () => {
    const page = pageOf(THIN, 'x.json');
    for (const words of ['Resident memory', 'Allocations', 'fixed arrival rate', 'against its measure']) {
      assert.ok(!page.includes(`<h2>${words}`), words);
    }
    assert.match(page, /17\.0 us/);
    assert.match(pageOf(plantedRun([]), 'x.json'), /<h1>/);
  });

  test('says what is invalid, and warns', () => {
    const bad = plantedCase('plain', [{ peer: 'sallyport', costs: [17], problems: ['answers: 3, not 4'] }]);
    const page = pageOf({ ...plantedRun([bad]), warnings: ['noisy & loud'] }, 'x.json');
    assert.match(page, /INVALID: sallyport, answers: 3, not 4/);
    assert.match(page, /noisy &#38; loud/);
  });

  test('draws well-formed pictures without a place that is no number', () => {
    for (const run of [FULL, THIN, ...committedRuns()]) {
      const page = pageOf(run, 'x.json');
      const pictures = page.match(/<svg.*?<\/svg>/gs) ?? [];
      assert.notEqual(pictures.length, 0);
      for (const picture of pictures) {
        assert.doesNotThrow(() => new SaxesParser().write(picture).close());
        assert.doesNotMatch(picture, /NaN|Infinity|undefined|null/);
      }
    }
  });

  test('is written beside the figures', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-report-test-'));
    try {
      const page = writePage({ ...FULL, later: Number.NaN }, join(folder, 'run.json'));
      assert.equal(page, join(folder, 'run.html'));
      assert.match(readFileSync(page, 'utf8'), /run\.json/);
      assert.throws(() => writePage({ ...FULL, cases: 3 }, join(folder, 'run.json')), /cases must be array/);
      writeFileSync(join(folder, 'broken.json'), '{');
      assert.throws(() => readCheckedJson(RUN_SCHEMA, join(folder, 'broken.json')), CheckedJsonError);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('docs/performance.md', () => {
  test('is what the run that it names gives', () => {
    const page = readFileSync(join(PROJECT, 'docs/performance.md'), 'utf8');
    const file = runNamedIn(page);
    assert.ok(file !== null && existsSync(join(PROJECT, file)), `${file} is the run it names`);
    assert.equal(page, performanceOf(readCheckedJson(RUN_SCHEMA, join(PROJECT, file)), file));
  });

  test('has a table for each case and for what newer runs hold', () => {
    const page = performanceOf(FULL, 'bench/runs/x.json');
    assert.match(page, /\| sallyport \| 17\.0 \[15\.0 21\.0\] \| 1\.70 \[1\.36 1\.75\] \|/);
    for (const words of ['## What a duty adds', '## Latency under', '## Memory', '| 1234 | 1.5 % |']) {
      assert.ok(page.includes(words), words);
    }
    assert.doesNotMatch(performanceOf(THIN, 'x.json'), /## Memory|ratio to/);
  });

  test('a run of another place is named without its machine', () => {
    assert.equal(nameOf(join(PROJECT, 'bench', 'runs', 'x.json')), 'bench/runs/x.json');
    assert.equal(nameOf('/var/elsewhere/x.json'), 'x.json');
    assert.match(placeOf(new Date(FULL.startedAt), false), /bench\/runs\/2026-01-31\/14-05-59\.json$/);
    assert.match(placeOf(new Date(FULL.startedAt), true), /bench\/runs\/local\/2026-01-31\/14-05-59\.json$/);
  });
});

test('axes have a few round ticks within reach', () => {
  assert.deepEqual(linear(67, 100).ticks, [0, 20, 40, 60]);
  assert.deepEqual(linear(9_663, 100).ticks, [0, 2_500, 5_000, 7_500]);
  assert.equal(linear(50, 100).at(25), 50);
  assert.deepEqual(
    logarithmic(0.06, 2.4, 100).ticks.map((tick) => Number(tick.toFixed(3))),
    [0.1, 0.2, 0.5, 1, 2],
  );
  assert.equal(Math.round(logarithmic(0.01, 100, 100).at(1)), 50);
  assert.deepEqual([72_375, 496.7, 1.7333, 0.0706, 0].map(figure), ['72,375', '496.7', '1.73', '0.071', '0']);
});

function committedRuns(): readonly StoredRun[] {
  const folder = join(PROJECT, 'bench', 'runs');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => !path.startsWith('local'));
  // Others, such as scale.json, are of other tools.
  const committed = files.filter((path) => /^\d\d-\d\d-\d\d\.json$/.test(basename(path)));
  assert.ok(committed.length >= 6, `${committed.length} runs`);
  return committed.map((path) => readCheckedJson(RUN_SCHEMA, join(folder, path)));
}
