// How the gateway goes with more threads: npm run bench:scale. docs/scaling.md says what the figures mean.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CASES } from '../cases.ts';
import { whole } from '../command-line.ts';
import { LoadProcess } from '../load.ts';
import { describeMachine, loadAverages } from '../machine.ts';
import { REQUESTS_MAX, ROUNDS_MAX } from '../options.ts';
import { variantOf } from '../peers/variant.ts';
import { runSideBySide } from '../side-by-side.ts';
import { spreadOf } from '../statistics.ts';
import { Workspace } from '../workspace.ts';
import { coherenceAlone, fitLaw, speedupOf } from './fit.ts';
import { measureLimiter } from './limiter.ts';

/** dist/bench/scale/main.js -> project */
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const ASKED = [8, 16, 64];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '20000' },
    out: { type: 'string' },
  },
});
const [rounds, requests] = [
  whole('--rounds', values.rounds, ROUNDS_MAX),
  whole('--requests', values.requests, REQUESTS_MAX),
];
const machine = describeMachine();
const counts = threadCounts(machine.cores);
const startedAt = new Date().toISOString();
const loadAtStart = loadAverages();
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}; load ${loadAtStart.join(' ')}`,
);

const limiter = await measureLimiter(counts, rounds);
const models = (['hot', 'spread'] as const).map((keys) => {
  const rows = counts.map((threads) => {
    const own = limiter.filter((point) => point.keys === keys && point.threads === threads);
    return {
      threads,
      perSecond: spreadOf(own.map(({ decisionsPerSecond }) => decisionsPerSecond)),
      cpuUs: spreadOf(own.map(({ cpuNsPerDecision }) => cpuNsPerDecision / 1_000)),
    };
  });
  const one = rows[0]?.perSecond.median ?? Number.NaN;
  return report(`limiter, ${keys} keys`, rows, (row) => row.perSecond.median / one);
});
const gateway = await measureGateway();
models.push(gateway);

const file = values.out ?? join(PROJECT, 'bench', 'runs', startedAt.slice(0, 10), 'scale.json');
const loads = { start: loadAtStart, end: loadAverages() };
mkdirSync(dirname(file), { recursive: true });
writeFileSync(
  file,
  `${JSON.stringify({ startedAt, machine, loadAverages: loads, rounds, requests, models }, null, 1)}\n`,
);
console.log(`results: ${file}`);

/** CPU per request by threads: the load generator has one thread, so requests per second would be its own. */
async function measureGateway() {
  const workspace = new Workspace();
  const load = new LoadProcess();
  try {
    const peers = counts.map((threads) => variantOf(`threads-${threads}`, { config: { threads } }));
    const all = await runSideBySide(CASES.plain, peers, { rounds, requests, load, workspace });
    for (const { peer, problems } of all) for (const words of problems) console.log(`warning: ${peer}: ${words}`);
    const rows = counts.map((threads) => {
      const own = all.filter(({ peer }) => peer === `threads-${threads}`);
      return {
        threads,
        perSecond: spreadOf(own.map(({ result }) => result.answered / result.seconds)),
        cpuUs: spreadOf(own.map(({ cpuUs, result }) => cpuUs / result.answered)),
      };
    });
    const one = rows[0]?.cpuUs.median ?? Number.NaN;
    return report('gateway, plain', rows, (row) => (row.threads * one) / row.cpuUs.median);
  } finally {
    await load.stop();
    workspace.remove();
  }
}

interface Row {
  readonly threads: number;
  readonly perSecond: ReturnType<typeof spreadOf>;
  readonly cpuUs: ReturnType<typeof spreadOf>;
}

function report(name: string, rows: readonly Row[], speedup: (row: Row) => number) {
  const points = rows.map((row) => ({ threads: row.threads, speedup: speedup(row) }));
  console.log(`\n${name}`);
  for (const [index, { threads, perSecond, cpuUs }] of rows.entries()) {
    const cost = `${cpuUs.median.toFixed(3)} [${cpuUs.min.toFixed(3)} ${cpuUs.max.toFixed(3)}] us CPU`;
    const times = points[index]?.speedup.toFixed(2);
    console.log(`  ${threads} threads: ${perSecond.median.toFixed(0)} a second, ${cost}, ${times} times one thread`);
  }
  if (rows.length < 2) return { name, rows, points, fit: null, predicted: [] };
  const fit = fitLaw(points);
  const worst = fit.told === 1 ? coherenceAlone(points) : fit;
  const predicted = ASKED.map((threads) => ({
    threads,
    speedup: speedupOf(fit, threads),
    atWorst: speedupOf(worst, threads),
  }));
  const words = predicted
    .map((one) => `${one.threads}: ${one.atWorst.toFixed(2)} to ${one.speedup.toFixed(2)}`)
    .join(', ');
  const { contention, coherence, told } = fit;
  console.log(`  contention ${contention.toFixed(4)}, coherence ${coherence.toFixed(5)} (${told} told); ${words}`);
  return { name, rows, points, fit, predicted };
}

/** 1, 2, 4, 8, ... and all cores. */
function threadCounts(cores: number): readonly number[] {
  const powers = Array.from({ length: 8 }, (_, n) => 2 ** n).filter((threads) => threads < cores);
  return [...powers, cores];
}
