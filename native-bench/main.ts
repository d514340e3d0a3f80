// One part against its rivals: see README.md in this folder.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf } from '../bench/command-line.ts';
import { DISTURBED_CORES, describeMachine, loadAverages, watchDisturbance } from '../bench/machine.ts';
import { newestRun, pageOf } from './docs.ts';
import { MODULES, type ModuleName } from './modules.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import type { BenchResult, NativeRun, RowResult } from './results.ts';
import { tableOf } from './table.ts';

/** dist/native-bench/main.js -> project */
const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const RUNS = join(PROJECT, 'native-bench', 'runs');
const PAGE = join(PROJECT, 'docs', 'native.md');
const PACKAGES = [
  '@node-rs/jsonwebtoken',
  'fast-jwt',
  'jose',
  'piscina',
  'pino',
  'prom-client',
  'rate-limiter-flexible',
  're2',
  'simdjson',
  'undici',
  'uws-node20',
  'uws-node22',
];
process.exitCode = await main(process.argv.slice(2));

/** @returns  0; 2 for options that make no sense. A module that fails ends the run with its own words. */
async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(parseOptions, args, USAGE);
  if (typeof options === 'number') return options;
  if (options.docs) writeDocs(options.run ?? newestRun(RUNS));
  else await measure(options);
  return 0;
}

function writeDocs(file: string): void {
  writeFileSync(PAGE, pageOf(JSON.parse(readFileSync(file, 'utf8')) as NativeRun, relative(PROJECT, file)));
  console.log(`docs/native.md is written from ${relative(PROJECT, file)}`);
}

async function measure(options: Options): Promise<void> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  const start = loadAverages();
  const { versions, warnings } = installed();
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`);
  console.log(`load average ${start.join(' ')}`);
  console.log(
    Object.entries(versions)
      .map((pair) => pair.join(' '))
      .join('; '),
  );
  const benches: BenchResult[] = [];
  for (const name of options.names) {
    const result = await resultOf(name, options);
    benches.push(result);
    console.log(`\n${tableOf(result)}`);
    const cores = result.disturbance.othersCores + result.disturbance.stolenCores;
    if (cores > DISTURBED_CORES) {
      warnings.push(`${name}: others used ${cores.toFixed(2)} cores meanwhile: ratios are noisy.`);
    }
  }
  for (const words of warnings) console.log(`warning: ${words}`);
  const { rounds, turnMs } = options;
  const times = { startedAt, finishedAt: new Date().toISOString(), rounds, turnMs };
  const loads = { start, end: loadAverages() };
  const run: NativeRun = { ...times, machine, versions, loadAverages: loads, warnings, benches };
  const file = options.out ?? placeOf(startedAt, options);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(run, null, 1)}\n`);
  console.log(`\nload average ${loads.end.join(' ')}\nresults: ${file}`);
}

/** Each module in a process of its own: what one does to the heap and to compiled code is nobody else's. */
async function resultOf(name: ModuleName, { rounds, turnMs }: Options): Promise<BenchResult> {
  const disturbance = watchDisturbance();
  const child = fork(new URL('./child.js', import.meta.url), [name, JSON.stringify({ rounds, turnMs })], {
    execArgv: ['--enable-source-maps'],
  });
  type Said = { readonly what: string; readonly rows: readonly RowResult[] };
  let said: Said | null = null;
  child.once('message', (message: Said) => {
    said = message;
  });
  const [code, signal] = await once(child, 'exit');
  if (said === null || code !== 0) throw new Error(`${name} ended with ${code ?? signal}; its own words are above`);
  return { name, ...(said as Said), disturbance: disturbance() };
}

function installed(): { versions: Record<string, string>; warnings: string[] } {
  const warnings: string[] = [];
  const found = PACKAGES.flatMap((name): [string, string][] => {
    try {
      const text = readFileSync(join(PROJECT, 'node_modules', name, 'package.json'), 'utf8');
      return [[name, (JSON.parse(text) as { version: string }).version]];
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      warnings.push(`${name} is not installed and left out.`);
      return [];
    }
  });
  return { versions: Object.fromEntries(found), warnings };
}

/** A run of everything, in full, is one to keep. */
function placeOf(startedAt: string, { names, quick }: Options): string {
  const isWhole = names.length === MODULES.length && !quick;
  return isWhole
    ? join(RUNS, `${startedAt.slice(0, 10)}.json`)
    : join(RUNS, 'local', `${startedAt.slice(0, 19).replaceAll(':', '-')}.json`);
}
