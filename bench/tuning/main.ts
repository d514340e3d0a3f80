// What settings cost or save: npm run bench:tuning [-- --only NAME,NAME]. docs/tuning.md says what the figures mean.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from '../cases.ts';
import { whole } from '../command-line.ts';
import { LoadProcess } from '../load.ts';
import { describeMachine, loadAverages } from '../machine.ts';
import { REQUESTS_MAX, ROUNDS_MAX } from '../options.ts';
import type { Peer } from '../peers/peer.ts';
import { type Change, variantOf } from '../peers/variant.ts';
import { runSideBySide } from '../side-by-side.ts';
import { spreadOf } from '../statistics.ts';
import { Workspace } from '../workspace.ts';
import { SETTINGS, type Setting, UPSTREAM_URL } from './settings.ts';

/** dist/bench/tuning/main.js -> project */
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '20000' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const names = values.only?.split(',') ?? SETTINGS.map(({ name }) => name);
const settings = names.map((name) => {
  const setting = SETTINGS.find((one) => one.name === name);
  if (setting === undefined) throw new Error(`no setting "${name}"; there are: ${SETTINGS.map((one) => one.name)}`);
  return setting;
});
const [rounds, requests] = [
  whole('--rounds', values.rounds, ROUNDS_MAX),
  whole('--requests', values.requests, REQUESTS_MAX),
];
const machine = describeMachine();
const startedAt = new Date().toISOString();
const start = loadAverages();
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; load average ${start.join(' ')}`);
const workspace = new Workspace();
const load = new LoadProcess();
const results = [];
try {
  for (const setting of settings) {
    const result = await measure(setting);
    results.push(result);
    const { without, cpuUs, ratio, problems } = result;
    console.log(
      `${setting.name.padEnd(16)} ${without.median.toFixed(1)} us without, ${cpuUs.median.toFixed(1)} with: ` +
        `${ratio.median.toFixed(2)} times [${ratio.min.toFixed(2)} ${ratio.max.toFixed(2)}]  ${setting.how}`,
    );
    for (const words of problems) console.log(`warning: ${setting.name}: ${words}`);
  }
} finally {
  await load.stop();
  workspace.remove();
}
const file = values.out ?? join(PROJECT, 'bench', 'runs', startedAt.slice(0, 10), 'tuning.json');
const loads = { start, end: loadAverages() };
mkdirSync(dirname(file), { recursive: true });
writeFileSync(
  file,
  `${JSON.stringify({ startedAt, machine, loadAverages: loads, rounds, requests, results }, null, 1)}\n`,
);
console.log(`results: ${file}`);

/** Both gateways side by side, in interleaved rounds of the same load. */
async function measure({ name, how, caseName, base, change }: Setting) {
  const peers = [placed('without', base), placed('with', merged(base, change))];
  // Dear requests need fewer of them for a steady figure.
  const fewer = Math.min(requests, CASES[caseName].requests * 5);
  const rows = await runSideBySide(CASES[caseName], peers, { rounds, requests: fewer, load, workspace });
  const costs = (peer: string) =>
    rows
      .filter((row) => row.peer === peer)
      .sort((a, b) => a.round - b.round)
      .map(({ cpuUs, result }) => cpuUs / result.answered);
  const [without, own] = [costs('without'), costs('with')];
  return {
    name,
    how,
    caseName,
    without: spreadOf(without),
    cpuUs: spreadOf(own),
    ratio: spreadOf(own.map((us, round) => us / (without[round] ?? Number.NaN))),
    problems: rows.flatMap(({ problems }) => problems),
  };
}

function merged(base: Change, change: Change): Change {
  return {
    config: { ...base.config, ...change.config },
    env: { ...base.env, ...change.env },
    flags: [...(base.flags ?? []), ...(change.flags ?? [])],
  };
}

/** Puts the upstream's address in, once it is known. */
function placed(name: string, change: Change): Peer {
  return {
    ...variantOf(name, change),
    launch: (setup) => {
      const text = JSON.stringify(change.config ?? {}).replaceAll(
        UPSTREAM_URL,
        `http://127.0.0.1:${setup.upstreamPort}`,
      );
      return variantOf(name, { ...change, config: JSON.parse(text) as Record<string, unknown> }).launch(setup);
    },
  };
}
