import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PhaseOutcome } from '../../../src/waf/inspection.ts';
import { startModSecurity, WITHOUT_MODSECURITY } from '../../support/modsecurity.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { EngineExecutor, type InspectedPhases } from './engine-executor.ts';
import { judgeStage } from './judge.ts';
import { FRONT_DIFFERENCES, MODSECURITY_DIFFERENCES } from './known-differences.ts';
import { readOverrides } from './overrides.ts';
import { readTests } from './read-tests.ts';
import { countStages, stageReport } from './report.ts';
import { runStages } from './run-stages.ts';
import { SocketExecutor } from './socket-executor.ts';
import { ANYTHING, type Expectation } from './stage.ts';

const folder = sharedMaterial('crs') ?? '';
const skip = folder === '' ? NO_MATERIAL : false;
const stages = skip ? [] : readTests(`${folder}/tests`);

test('every stage of the rule set’s tests is read, each by a name of its own', { skip }, () => {
  assert.equal(stages.length, 3_913);
  assert.equal(new Set(stages.map((stage) => stage.name)).size, 3_913);
  const asked = (asks: (expected: Expectation) => boolean): number =>
    stages.filter((stage) => asks(stage.expected)).length;
  assert.deepEqual(
    {
      expectIds: asked((expected) => expected.expectIds.length > 0),
      noExpectIds: asked((expected) => expected.noExpectIds.length > 0),
      status: asked((expected) => expected.status !== null),
      matchRegex: asked((expected) => expected.matchRegex !== null),
      expectError: asked((expected) => expected.expectError),
      retryOnce: asked((expected) => expected.retryOnce),
    },
    { expectIds: 3_131, noExpectIds: 757, status: 26, matchRegex: 7, expectError: 1, retryOnce: 5 },
  );
  const long = stages.find((stage) => stage.name === '920400-1');
  assert.ok((long?.bytes.length ?? 0) > 64_200, 'its template is expanded');
  const encoded = stages.find((stage) => stage.name === '920171-1');
  assert.match(encoded?.bytes.toString('latin1') ?? '', /^POST \/ HTTP\/1\.1\r\n.*\r\n\r\n3\r\nHi \r\n/s);
});

test('overrides name tests that exist', { skip }, () => {
  const names = new Set(stages.map((stage) => `${stage.ruleId}-${stage.testId}`));
  for (const [file, count, elsewhere] of [
    ['nginx', 64, 21],
    ['coraza', 10, 4],
  ] as const) {
    const overrides = readOverrides(`${folder}/${file}-overrides.yaml`);
    assert.equal(overrides.size, count, file);
    // The tests at hand are a part of all tests.
    const unknown = [...overrides.keys()].filter((name) => !names.has(name));
    assert.equal(unknown.length, elsewhere, unknown.join());
  }
});

test('what any engine without a front gets wrong is on record', { skip }, async () => {
  const pass = (): PhaseOutcome => ({ kind: 'pass' });
  const idle: InspectedPhases = {
    requestHeaders: pass,
    wantsRequestBody: true,
    requestBody: pass,
    responseHeaders: pass,
    wantsResponseBody: true,
    responseBody: pass,
    logging: pass,
    matches: [],
  };
  const executor = new EngineExecutor('idle', () => idle);
  const found: string[] = [];
  for (const stage of stages) {
    const { status, expectError } = stage.expected;
    const observed = await executor.run(stage);
    if (judgeStage({ ...ANYTHING, status, expectError }, observed).length > 0) found.push(stage.name);
  }
  assert.deepEqual(found, [...FRONT_DIFFERENCES.keys()]);
});

test('libmodsecurity passes every fortieth stage, as written or as overridden', {
  skip: skip || WITHOUT_MODSECURITY,
}, async () => {
  const some = stages.filter((_, index) => index % 40 === 0);
  const executor = new SocketExecutor(await startModSecurity({ folder, engine: 'DetectionOnly' }));
  try {
    const results = await runStages(some, [executor], readOverrides(`${folder}/nginx-overrides.yaml`));
    const { stages: ran, failed, stale } = countStages(results, MODSECURITY_DIFFERENCES);
    assert.deepEqual([ran, failed, stale], [98, 0, []], stageReport('modsecurity', results, MODSECURITY_DIFFERENCES));
    const held = results.filter((result) => result.stage.expected.expectIds.length > 0 && result.findings.length === 0);
    assert.ok(held.length > 70, 'rules hold');
  } finally {
    await executor.close();
  }
});
