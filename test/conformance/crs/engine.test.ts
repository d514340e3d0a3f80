import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { ENGINES, type Engine } from './engines.ts';
import { readTests } from './read-tests.ts';
import { countStages, stageReport } from './report.ts';
import { runStages } from './run-stages.ts';

const folder = sharedMaterial('crs');

/** One answer over sockets for every so many stages: all of them are run by `npm run conformance:crs`. */
const SAMPLED = 12;

test('the Core Rule Set passes its own tests', { skip: folder === null ? NO_MATERIAL : false }, async (t) => {
  const stages = readTests(`${folder}/tests`);
  const results = await run(ENGINES.engine as Engine, stages);
  const counts = countStages(results, (ENGINES.engine as Engine).known);
  t.diagnostic(stageReport('engine', results, (ENGINES.engine as Engine).known));
  assert.deepEqual(counts, { stages: 3_913, passed: 3_910, overridden: 0, known: 3, failed: 0, stale: [] });
});

test('over sockets it passes them too', { skip: folder === null ? NO_MATERIAL : false }, async (t) => {
  const { known } = ENGINES.gateway as Engine;
  const stages = readTests(`${folder}/tests`)
    .filter(({ name }) => !known.has(name))
    .filter((_, index) => index % SAMPLED === 0);
  const results = await run(ENGINES.gateway as Engine, stages);
  t.diagnostic(stageReport('gateway', results, known));
  const { stages: ran, passed } = countStages(results, known);
  assert.ok(ran > 300, `${ran} stages`);
  assert.equal(passed, ran);
});

test('docs/waf-conformance.md names every stage that differs', () => {
  // dist/test/conformance/crs -> project
  const file = fileURLToPath(new URL('../../../../docs/waf-conformance.md', import.meta.url));
  const sections = readFileSync(file, 'utf8').split('\n## ');
  for (const [heading, known] of [
    ['The engine by itself', ENGINES.engine?.known],
    ['The gateway over sockets', ENGINES.gateway?.known],
  ] as const) {
    const section = sections.find((text) => text.startsWith(heading)) ?? '';
    assert.deepEqual(stagesIn(section).sort(), [...(known ?? new Map()).keys()].sort(), heading);
  }
});

/** Names in the first column of a table; `932207-1 to 932207-7` stands for all between. */
function stagesIn(section: string): string[] {
  const cells = section.split('\n').flatMap((line) => /^\| (\d.*?) \|/.exec(line)?.[1] ?? []);
  return cells
    .flatMap((cell) => cell.split(', '))
    .flatMap((words) => {
      const [, rule, first, last] = /^(\d+)-(\d+)(?: to \1-(\d+))?$/.exec(words) ?? [];
      const from = Number(first);
      return Array.from({ length: Number(last ?? from) - from + 1 }, (_, i) => `${rule}-${from + i}`);
    });
}

async function run(engine: Engine, stages: ReturnType<typeof readTests>) {
  const executor = await engine.start(folder ?? '');
  try {
    return await runStages(stages, [executor], new Map());
  } finally {
    await executor.close();
  }
}
