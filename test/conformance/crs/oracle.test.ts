import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startModSecurity, WITHOUT_MODSECURITY } from '../../support/modsecurity.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { MODSECURITY_DIFFERENCES } from './known-differences.ts';
import { readOverrides } from './overrides.ts';
import { readTests } from './read-tests.ts';
import { countStages, stageReport } from './report.ts';
import { runStages } from './run-stages.ts';
import { SocketExecutor } from './socket-executor.ts';

const folder = sharedMaterial('crs');
const skip = folder === null ? NO_MATERIAL : WITHOUT_MODSECURITY;

test('libmodsecurity passes every fortieth stage, as written or as overridden', { skip }, async () => {
  const rules = folder ?? '';
  const stages = readTests(`${rules}/tests`).filter((_, index) => index % 40 === 0);
  const executor = new SocketExecutor(await startModSecurity({ folder: rules, engine: 'DetectionOnly' }));
  try {
    const results = await runStages(stages, [executor], readOverrides(`${rules}/nginx-overrides.yaml`));
    const { stages: ran, failed, stale } = countStages(results, MODSECURITY_DIFFERENCES);
    assert.deepEqual([ran, failed, stale], [98, 0, []], stageReport('modsecurity', results, MODSECURITY_DIFFERENCES));
    const held = results.filter((result) => result.stage.expected.expectIds.length > 0 && result.findings.length === 0);
    assert.ok(held.length > 70, 'rules hold');
  } finally {
    await executor.close();
  }
});
