// The whole gateway under load, beside its peers: see README.md in this folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CASES, type Case, type CaseName } from './cases.ts';
import { optionsOf } from './command-line.ts';
import { withinLimits } from './file-limit.ts';
import { LoadProcess } from './load.ts';
import { DISTURBED_CORES, describeMachine, loadAverages } from './machine.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { PEERS } from './peers/all.ts';
import type { Peer } from './peers/peer.ts';
import { planOf } from './plan.ts';
import { Progress } from './progress.ts';
import { placeOf, writePage } from './report/place.ts';
import type { CaseReport, RunResults } from './results.ts';
import type { RoundRow } from './rounds.ts';
import { findRuleSet, isTooOld, type RuleSetFiles } from './rule-set.ts';
import { runCase } from './run-case.ts';
import { ServerError, versionOf } from './servers.ts';
import { baselineOf } from './summary.ts';
import { openLoopTable, tableOf } from './table.ts';
import { Workspace } from './workspace.ts';

process.exitCode = await main(process.argv.slice(2));

/** @returns  0; 1 when a case is invalid or none could run; 2 for options that make no sense. */
async function main(args: readonly string[]): Promise<number> {
  const options = optionsOf(parseOptions, args, USAGE);
  if (typeof options === 'number') return options;
  // Children and the temporary folder go with this process, however it ends: their handlers hang on its exit.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  try {
    return await run(options);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    console.error(error.message);
    return 1;
  }
}

async function run(options: Options): Promise<number> {
  const startedAt = new Date();
  const warnings: string[] = [];
  const warn = (words: string) => {
    warnings.push(words);
    console.log(`warning: ${words}`);
  };
  const machine = describeMachine();
  const loadAtStart = loadAverages();
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`);
  console.log(`load average ${loadAtStart.join(' ')}`);
  const { peers, versions } = installed(options, warn);
  if (peers.length === 0) {
    console.error('none of the proxies named is installed.');
    return 1;
  }

  const ruleSet = findRuleSet(options.crs);
  if (ruleSet !== null) versions.crs = ruleSet.version;
  const workspace = new Workspace();
  const load = new LoadProcess();
  const progress = new Progress(options.cases.length);
  const reports: CaseReport[] = [];
  try {
    for (const name of options.cases) {
      const one = withinLimits(CASES[name], warn);
      progress.begin(name);
      const able = peers.filter(({ name }) => one.peers.some((able) => able === name));
      const lacking = lackOf(one, options, able, versions, ruleSet);
      if (lacking !== null) {
        warn(`${name} ${lacking}`);
        continue;
      }
      const { requests, rounds } = planOf(one, options);
      console.log(
        `\n${name}: ${one.what}; ${count(rounds, 'round')} of ${requests} requests, ${one.connections} connections`,
      );
      const { openLoop } = options;
      const report = await runCase(one, {
        ...options,
        openLoop,
        peers: able,
        ruleSet,
        load,
        workspace,
        say: progress.say,
      });
      progress.clear();
      reports.push(report);
      console.log(tableOf(report.summary, baselineOf(name)));
      if (report.openLoop !== null) console.log(openLoopTable(report.openLoop));
      for (const { peer, problems } of report.summary) for (const words of problems) warn(`${name}, ${peer}: ${words}`);
      for (const words of disturbances(name, report.rounds)) warn(words);
    }
  } finally {
    progress.clear();
    await load.stop();
    workspace.remove();
  }

  const file = options.out ?? placeOf(startedAt, options.quick);
  mkdirSync(dirname(file), { recursive: true });
  const loadAtEnd = loadAverages();
  const finishedAt = new Date().toISOString();
  const head = { startedAt: startedAt.toISOString(), finishedAt, quick: options.quick, machine, versions };
  const results: RunResults = {
    ...head,
    loadAverages: { start: loadAtStart, end: loadAtEnd },
    warnings,
    cases: reports,
  };
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  console.log(`\nload average ${loadAtEnd.join(' ')}\nresults: ${file}\npage: ${writePage(results, file)}`);
  return reports.length > 0 && reports.every(({ summary }) => summary.every(({ problems }) => problems.length === 0))
    ? 0
    : 1;
}

/** @returns  Why a case cannot run; null when it can. */
function lackOf(
  one: Case,
  { crs }: Options,
  able: readonly Peer[],
  versions: Readonly<Record<string, string>>,
  ruleSet: RuleSetFiles | null,
): string | null {
  if (one.tls && versions.openssl === undefined) return 'needs openssl, which is not installed, and is left out.';
  if (one.duties.includes('rules')) {
    if (ruleSet === null)
      return `needs a Core Rule Set, which is not in ${crs}, and is left out; --crs names its folder.`;
    if (isTooOld(ruleSet))
      return `needs release 4 of the Core Rule Set, not ${ruleSet.version} of ${crs}, and is left out.`;
  }
  return able.length === 0 ? 'is left out: none of the proxies named can take part.' : null;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function installed(options: Options, warn: (words: string) => void) {
  const versions: Record<string, string> = {};
  const peers = PEERS.filter((peer) => {
    if (options.peers !== null && !options.peers.includes(peer.name)) return false;
    const version = peer.version();
    if (version === null)
      warn(`${peer.name} is not installed and left out${peer.needs === undefined ? '' : `: it is ${peer.needs}`}.`);
    else versions[peer.name] = version;
    return version !== null;
  });
  const openssl = versionOf('openssl', 'version');
  if (openssl !== null) versions.openssl = openssl;
  versions.node = process.version;
  console.log(Object.values(versions).join('; '));
  return { peers, versions };
}

function disturbances(name: CaseName, rows: readonly RoundRow[]): readonly string[] {
  const disturbed = rows.filter(
    ({ disturbance: { othersCores, stolenCores } }) => othersCores + stolenCores > DISTURBED_CORES,
  );
  if (disturbed.length === 0) return [];
  const most = Math.max(...disturbed.map(({ disturbance: { othersCores, stolenCores } }) => othersCores + stolenCores));
  return [
    `${name}: in ${disturbed.length} of ${rows.length} measurements others used up to ${most.toFixed(2)} cores: ` +
      'ratios are noisy; run again on a quiet machine.',
  ];
}
