import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROFILE } from '../../support/rule-sets.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { crsEngine, crsEngineGiven, DETECTION } from './engines.ts';
import { gateDifferences } from './gate-differences.ts';
import { readPayloads } from './payload-lists.ts';
import { payloadRequests } from './payload-requests.ts';
import { readTests } from './read-tests.ts';
import { stagePayloads } from './stage-payloads.ts';

const folder = sharedMaterial('crs');
const lists = sharedMaterial('injection/lists');
const skip = folder === null || lists === null ? NO_MATERIAL : false;

/** GATE_REQUESTS=20000 for a long run. */
const REQUESTS = Number(process.env.GATE_REQUESTS ?? 300);
const SEED = Number(process.env.GATE_SEED ?? 5);
/** One of so many stages, unless the run is a long one. */
const SAMPLED = process.env.GATE_REQUESTS === undefined ? 9 : 1;

test('the gate changes nothing for the tests of the Core Rule Set', { skip }, async (t) => {
  // As most threads have it: by tables of another.
  const [gated, plain] = [crsEngineGiven(folder ?? '', DETECTION), crsEngine(folder ?? '', DETECTION, false)];
  const stages = readTests(`${folder}/tests`).filter((_, index) => index % SAMPLED === 0);
  const found = await gateDifferences(stages, gated, plain);
  t.diagnostic(JSON.stringify(found));
  assert.deepEqual(found.differing, []);
  assert.ok(found.requests >= 400 && found.matches > 1_500, JSON.stringify(found));
});

for (const level of [1, 4]) {
  test(`nor for requests with payloads at paranoia level ${level}`, { skip }, async (t) => {
    const profile = { ...PROFILE, mode: 'detect' as const, blockingParanoia: level };
    const [gated, plain] = [crsEngine(folder ?? '', profile), crsEngine(folder ?? '', profile, false)];
    const tests = stagePayloads(readTests(`${folder}/tests`));
    const probes = payloadRequests(readPayloads(lists ?? ''), tests, REQUESTS, SEED + level);
    const found = await gateDifferences(probes, gated, plain);
    t.diagnostic(`seed ${SEED + level}: ${JSON.stringify(found)}`);
    assert.deepEqual(found.differing, []);
    assert.ok(found.matches > REQUESTS, JSON.stringify(found));
  });
}
