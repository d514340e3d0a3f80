import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { PeerSetup } from '../../bench/peers/peer.ts';
import { variantOf } from '../../bench/peers/variant.ts';
import { type TuningResult, tuningTable } from '../../bench/tuning/page.ts';

// dist/test/bench/tuning.test.js -> project
const project = new URL('../../../', import.meta.url);

test('docs/tuning.md has the table of the run that it names', () => {
  const page = readFileSync(new URL('docs/tuning.md', project), 'utf8');
  const file = /\((?:\.\.\/)(bench\/runs\/[\d-]+\/tuning\.json)\)/.exec(page)?.[1] ?? '';
  const run = JSON.parse(readFileSync(new URL(file, project), 'utf8')) as { results: TuningResult[] };
  assert.ok(run.results.length >= 8);
  assert.ok(page.includes(tuningTable(run.results)), tuningTable(run.results));
});

test('a variant changes what it says and leaves the rest', () => {
  const setup: PeerSetup = {
    port: 1,
    upstreamPort: 2,
    adminPort: 0,
    threads: 1,
    duties: [],
    tls: null,
    ruleSet: null,
    credentials: null,
    requestsAllowed: 0,
    routes: 1,
  };
  const change = { config: { threads: 3 }, env: { A: 'b' }, flags: ['--x'] };
  const [own, other] = [variantOf('own', {}).launch(setup), variantOf('other', change).launch(setup)];
  const [before, after] = [own, other].map(({ files }) => JSON.parse(files['gateway.yaml'] ?? '{}'));
  assert.deepEqual(after, { ...before, threads: 3 });
  assert.equal(other.env?.A, 'b');
  assert.deepEqual(other.args, ['--x', ...own.args]);
});
