// Holds a run against bench/budget.json: exit code 0 when the gate is open.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASE_NAMES } from '../cases.ts';
import { CheckedJsonError, readCheckedJson } from '../checked-json.ts';
import { optionsOf } from '../command-line.ts';
import { PROJECT, placeOf } from '../report/place.ts';
import { RUN_SCHEMA } from '../report/run-schema.ts';
import { type Budgets, readBudgets } from './budget.ts';
import { isOpen, judge } from './judge.ts';
import { type GateOptions, parseGateOptions, USAGE } from './options.ts';
import { selfTest } from './self-test.ts';
import { wordsOf } from './words.ts';

const BENCH = fileURLToPath(new URL('../main.js', import.meta.url));

process.exitCode = await main(process.argv.slice(2));

/** @returns  0 when open; 1 when closed, or nothing could be judged; 2 when called wrongly. */
async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(parseGateOptions, args, USAGE);
  if (typeof options === 'number') return options;
  if (options.selfTest) return (await selfTest((words) => console.log(words))) ? 0 : 1;
  try {
    const budgets = readBudgets(join(PROJECT, 'bench', 'budget.json'));
    const file = options.run ?? measure(budgets, options);
    const judgements = judge(budgets, readCheckedJson(RUN_SCHEMA, file));
    for (const line of wordsOf(judgements, budgets.release, options.allowUnjudged)) console.log(line);
    return isOpen(judgements, options.allowUnjudged) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof CheckedJsonError)) throw error;
    console.error(error.message);
    return 1;
  }
}

/** Runs what the budgets need. @returns  The run's file. @throws CheckedJsonError when none was written. */
function measure({ budgets }: Budgets, { out, rounds, crs }: GateOptions): string {
  const file = out ?? placeOf(new Date(), false);
  const needed = new Set(budgets.flatMap((one) => [one.case, one.against.case ?? one.case]));
  const cases = CASE_NAMES.filter((name) => needed.has(name));
  const args = ['--case', cases.join(','), '--rounds', rounds, '--out', file, ...(crs === null ? [] : ['--crs', crs])];
  // An invalid row ends the suite with 1 and is judged below; a run that was not written is not.
  spawnSync(process.execPath, [BENCH, ...args], { stdio: 'inherit' });
  if (!existsSync(file)) throw new CheckedJsonError('the suite wrote no results: nothing can be judged.');
  return file;
}
