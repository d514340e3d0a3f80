// `npm run release`, also before `npm version`: nothing is released that fails its tests or is slower than its budget.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCheckedJson } from '../bench/checked-json.ts';
import { checkBudgets, readBudgets } from '../bench/gate/budget.ts';
import { judge, ratiosOf } from '../bench/gate/judge.ts';
import { nameOf, PROJECT, placeOf } from '../bench/report/place.ts';
import { RUN_SCHEMA } from '../bench/report/run-schema.ts';
import { obstaclesTo } from './release-checks.ts';

const BUDGET_FILE = join(PROJECT, 'bench', 'budget.json');

const { values } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false }, crs: { type: 'string' } },
});
process.exitCode = release(values['dry-run'], values.crs);

/** @returns  0 when the version may be released, and its ratios are recorded; a dry run writes nothing. */
function release(isDry: boolean, crs: string | undefined): number {
  const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  // npm version tells its scripts what it is about to write.
  const version = process.env.npm_new_version || manifest.version;
  const obstacles = obstaclesTo({
    version,
    changelog: readFileSync(join(PROJECT, 'CHANGELOG.md'), 'utf8'),
    status: git('status', '--porcelain'),
    tags: git('tag', '--list').split('\n'),
  });
  for (const words of obstacles) console.error(`release ${version}: ${words}`);
  const run = placeOf(new Date(), false);
  const gate = ['scripts/bootstrap.mjs', 'bench:gate', '--out', run, ...(crs === undefined ? [] : ['--crs', crs])];
  const steps = [['scripts/bootstrap.mjs', 'test'], gate];
  if (isDry) {
    for (const step of steps) console.log(`would run: node ${step.join(' ')}`);
    console.log(`would record the ratios of ${nameOf(run)} as those of ${version} in bench/budget.json`);
    return obstacles.length === 0 ? 0 : 1;
  }
  if (obstacles.length > 0) return 1;
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: PROJECT, stdio: 'inherit' });
    if (status !== 0) {
      console.error(`release ${version}: node ${step.join(' ')} ended with ${status}`);
      return 1;
    }
  }
  record(version, run);
  console.log(
    `recorded as ${version}; commit bench/budget.json and ${nameOf(run)} with its page, then tag v${version}.`,
  );
  return 0;
}

function record(version: string, run: string): void {
  const budgets = readBudgets(BUDGET_FILE);
  const ratios = ratiosOf(judge(budgets, readCheckedJson(RUN_SCHEMA, run)));
  const next = { ...budgets, release: { ...budgets.release, version, run: nameOf(run), ratios } };
  writeFileSync(BUDGET_FILE, `${JSON.stringify(checkBudgets(next, 'bench/budget.json'), null, 2)}\n`);
}

/** @throws Error where git does not answer: a release is made of a commit. */
function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: PROJECT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}
