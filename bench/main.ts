// The whole gateway under load, beside its peers: see README.md in this folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CASES, type CaseName } from './cases.ts';
import { LoadProcess } from './load.ts';
import { DISTURBED_CORES, describeMachine, loadAverages } from './machine.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { caddy } from './peers/caddy.ts';
import { haproxy } from './peers/haproxy.ts';
import { modsecurity } from './peers/modsecurity.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer } from './peers/peer.ts';
import { sallyport } from './peers/sallyport.ts';
import { placeOf, writePage } from './report/place.ts';
import { type RoundRow, runRounds } from './rounds.ts';
import { findRuleSet, isTooOld } from './rule-set.ts';
import { ServerError, versionOf } from './servers.ts';
import { baselineOf, type Summary, summarise } from './summary.ts';
import { tableOf } from './table.ts';
import { Workspace } from './workspace.ts';

const PEERS: readonly Peer[] = [nginx, haproxy, caddy, modsecurity, sallyport];

interface CaseReport {
  readonly name: CaseName;
  readonly what: string;
  readonly connections: number;
  readonly requestsPerRound: number;
  readonly summary: readonly Summary[];
  readonly rounds: readonly RoundRow[];
}

process.exitCode = await main(process.argv.slice(2));

/** @returns  0; 1 when a case is invalid or none could run; 2 for options that make no sense. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
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
  const reports: CaseReport[] = [];
  try {
    for (const name of options.cases) {
      const one = CASES[name];
      if (one.tls && versions.openssl === undefined) {
        warn(`${name} needs openssl, which is not installed, and is left out.`);
        continue;
      }
      if (one.firewall && ruleSet === null) {
        warn(`${name} needs a Core Rule Set, which is not in ${options.crs}, and is left out; --crs names its folder.`);
        continue;
      }
      if (one.firewall && ruleSet !== null && isTooOld(ruleSet)) {
        warn(
          `${name} needs release 4 of the Core Rule Set, not ${ruleSet.version} of ${options.crs}, and is left out.`,
        );
        continue;
      }
      const able = peers.filter(({ firewall }) => firewall === 'either' || (firewall === 'always') === one.firewall);
      if (able.length === 0) {
        warn(`${name}: none of the proxies named can take part, and it is left out.`);
        continue;
      }
      const requests = Math.max(
        one.connections,
        options.requests ?? (options.quick ? one.requestsQuick : one.requests),
      );
      const { what, connections } = one;
      console.log(`\n${name}: ${what}; ${options.rounds} rounds of ${requests} requests, ${connections} connections`);
      const rounds = await runRounds(one, {
        ...options,
        requests,
        peers: able,
        ruleSet,
        load,
        workspace,
        say: progress,
      });
      const summary = summarise(name, rounds);
      reports.push({ name, what, connections, requestsPerRound: requests, summary, rounds });
      console.log(tableOf(summary, baselineOf(name)));
      for (const { peer, problems } of summary) for (const words of problems) warn(`${name}, ${peer}: ${words}`);
      for (const words of disturbances(name, rounds)) warn(words);
    }
  } finally {
    await load.stop();
    workspace.remove();
  }

  const file = options.out ?? placeOf(startedAt, options.quick);
  mkdirSync(dirname(file), { recursive: true });
  const loadAtEnd = loadAverages();
  const finishedAt = new Date().toISOString();
  const head = { startedAt: startedAt.toISOString(), finishedAt, quick: options.quick, machine, versions };
  const results = { ...head, loadAverages: { start: loadAtStart, end: loadAtEnd }, warnings, cases: reports };
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  console.log(`\nload average ${loadAtEnd.join(' ')}\nresults: ${file}\npage: ${writePage(results, file)}`);
  return reports.length > 0 && reports.every(({ summary }) => summary.every(({ problems }) => problems.length === 0))
    ? 0
    : 1;
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

function progress(words: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${words}\r`);
}
