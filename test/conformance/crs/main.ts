import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { crsConfiguration } from '../../support/modsecurity-config.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';
import { compareEngines, differentialReport, type Pair, unexplained } from './differential.ts';
import { ENGINES, type Engine } from './engines.ts';
import { readOverrides } from './overrides.ts';
import { readPayloads } from './payload-lists.ts';
import { payloadRequests } from './payload-requests.ts';
import { readTests } from './read-tests.ts';
import { Memory, RememberingExecutor } from './remembering-executor.ts';
import { countStages, stageReport } from './report.ts';
import { runStages } from './run-stages.ts';
import { stagePayloads } from './stage-payloads.ts';

const USAGE = `usage: npm run conformance:crs -- DIR [--engine NAME] [--stages PATTERN] [--parallel N]
       npm run conformance:crs -- DIR --differential N [--engine NAME] [--seed N] [--place PATTERN] [--memory FILE] ...
DIR holds the rule set: rules/, tests/, crs-setup.conf.example, unicode.mapping.
--engine        ${Object.keys(ENGINES).join(', ')}; by default the tests run against engine, then gateway
--stages        stages whose name matches: ^9421
--differential  compares the engine with libmodsecurity on so many requests made from payload lists and tests
--place         of those only the ones whose name matches: "JSON value"
--parallel      engines side by side, 2 by default
--memory        a file that keeps what libmodsecurity answered, so that it is asked each thing once
--show          prints the bytes of so many requests that differ`;

const OPTIONS = {
  engine: { type: 'string' },
  stages: { type: 'string', default: '' },
  place: { type: 'string', default: '' },
  differential: { type: 'string' },
  seed: { type: 'string', default: '1' },
  parallel: { type: 'string', default: '2' },
  show: { type: 'string', default: '0' },
  memory: { type: 'string', default: '' },
} as const;

/** Without sockets first: it is over in seconds. */
const TESTED = ['engine', 'gateway'];

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const [folder] = positionals;
  const names = values.engine === undefined ? TESTED : [values.engine];
  if (positionals.length !== 1 || folder === undefined || !isRuleSet(folder) || names.some((name) => !ENGINES[name])) {
    console.error(USAGE);
    return 2;
  }
  const parallel = Number(values.parallel);
  let worst = 0;
  for (const name of values.differential === undefined ? names : names.slice(0, 1)) {
    const engine = ENGINES[name] as Engine;
    if (engine.missing !== false) {
      console.log(`skipped: ${engine.missing}`);
      continue;
    }
    const code =
      values.differential === undefined
        ? await runTests(resolve(folder), name, engine, new RegExp(values.stages), parallel)
        : await compare(resolve(folder), engine, {
            count: Number(values.differential),
            seed: Number(values.seed),
            place: new RegExp(values.place),
            show: Number(values.show),
            memory: values.memory,
            parallel,
          });
    worst = Math.max(worst, code);
  }
  return worst;
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function isRuleSet(folder: string): boolean {
  return ['rules', 'tests', 'crs-setup.conf.example'].every((name) => existsSync(join(folder, name)));
}

async function runTests(
  folder: string,
  name: string,
  engine: Engine,
  wanted: RegExp,
  parallel: number,
): Promise<number> {
  const stages = readTests(join(folder, 'tests')).filter((stage) => wanted.test(stage.name));
  const file = engine.overridesFile === null ? null : join(folder, engine.overridesFile);
  const overrides = file !== null && existsSync(file) ? readOverrides(file) : new Map();
  const executors = await Promise.all(Array.from({ length: parallel }, () => engine.start(folder)));
  const results = await runStages(stages, executors, overrides).finally(() =>
    Promise.all(executors.map((executor) => executor.close())),
  );
  console.log(stageReport(name, results, engine.known));
  const { failed, stale } = countStages(results, engine.known);
  return failed === 0 && stale.length === 0 ? 0 : 1;
}

interface CompareOptions {
  readonly count: number;
  readonly seed: number;
  readonly place: RegExp;
  readonly show: number;
  readonly memory: string;
  readonly parallel: number;
}

async function compare(folder: string, engine: Engine, options: CompareOptions): Promise<number> {
  const lists = sharedMaterial('injection/lists');
  const oracle = ENGINES.modsecurity;
  if (lists === null || oracle === undefined || oracle.missing !== false) {
    console.log(`skipped: ${lists === null ? NO_MATERIAL : oracle?.missing}`);
    return 0;
  }
  const { count, seed, place, show, memory, parallel } = options;
  const tests = stagePayloads(readTests(join(folder, 'tests')));
  const probes = payloadRequests(readPayloads(lists), tests, count, seed).filter(({ name }) => place.test(name));
  const kept = memory === '' ? null : new Memory(memory, saltOf(folder));
  const start = async (): Promise<Pair> => {
    const asked = await oracle.start(folder);
    return { oracle: kept === null ? asked : new RememberingExecutor(asked, kept), ours: await engine.start(folder) };
  };
  const pairs = await Promise.all(Array.from({ length: parallel }, start));
  const comparison = await compareEngines(probes, pairs).finally(() =>
    Promise.all(pairs.flatMap((pair) => [pair.oracle.close(), pair.ours.close()])),
  );
  for (const { probe, missed, surplus, answers } of unexplained(comparison).slice(0, show)) {
    console.log(`--- ${probe.name}: missed ${missed.join()}; surplus ${surplus.join()}; ${answers}`);
    console.log(probe.bytes.toString('latin1'));
  }
  console.log(differentialReport(comparison));
  return unexplained(comparison).length === 0 ? 0 : 1;
}

/** Configuration and rules: another rule set has other answers. */
function saltOf(folder: string): string {
  const rules = join(folder, 'rules');
  const texts = readdirSync(rules)
    .sort()
    .map((name) => `${name}\n${readFileSync(join(rules, name), 'latin1')}`);
  texts.push(crsConfiguration({ folder, engine: 'DetectionOnly' }));
  return createHash('sha256').update(texts.join('\n')).digest('hex');
}

process.exitCode = await main();
