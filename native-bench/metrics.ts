/**
 * Cost of counting one request, against prom-client's own Counter and Histogram doing the same duty.
 * Run: node dist/native-bench/metrics.js [ours|prom-client]; one process per case. The checksum proves the work.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import { BUCKET_BOUNDS_MS, createMetricsTable, stripeOf } from '../src/telemetry/layout.ts';
import { ThreadMetrics } from '../src/telemetry/metrics.ts';

const VARIETY = 4_096;
const rows = Array.from({ length: VARIETY }, (_, index) => ({
  route: (index * 7) % 40,
  status: [200, 200, 200, 201, 304, 404, 429, 502][(index * 5) % 8] ?? 200,
  durationMs: ((index * 7_919) % 15_000) / 10,
  upstreamMs: index % 9 === 0 ? -1 : ((index * 7_919) % 14_000) / 10,
  bytesIn: index * 3,
  bytesOut: index * 11,
}));

function ours(rounds: number): { ns: number; checksum: number } {
  const table = createMetricsTable(2, 40);
  const metrics = new ThreadMetrics(table, 1);
  const run = (times: number) => {
    for (let round = 0; round < times; round++) {
      for (const row of rows) {
        metrics.request(row.route, row.status, row.durationMs, row.upstreamMs, row.bytesIn, row.bytesOut);
      }
    }
  };
  const ns = best(run, rounds);
  return { ns, checksum: stripeOf(table, 1).reduce((sum, word) => sum + word, 0) };
}

function promClient(rounds: number): { ns: number; checksum: number } {
  const registers = [new Registry()];
  const buckets = BUCKET_BOUNDS_MS.map((ms) => ms / 1_000);
  const route = ['route'];
  const requests = new Counter({ name: 'a', help: 'a', labelNames: ['route', 'code_class'], registers });
  const duration = new Histogram({ name: 'b', help: 'b', labelNames: route, buckets, registers });
  const upstream = new Histogram({ name: 'c', help: 'c', labelNames: route, buckets, registers });
  const bytesIn = new Counter({ name: 'd', help: 'd', labelNames: route, registers });
  const bytesOut = new Counter({ name: 'e', help: 'e', labelNames: route, registers });
  let counted = 0;
  const run = (times: number) => {
    for (let round = 0; round < times; round++) {
      for (const row of rows) {
        const labels = { route: String(row.route) };
        requests.inc({ route: labels.route, code_class: `${(row.status / 100) | 0}xx` });
        duration.observe(labels, row.durationMs / 1_000);
        if (row.upstreamMs >= 0) upstream.observe(labels, row.upstreamMs / 1_000);
        bytesIn.inc(labels, row.bytesIn);
        bytesOut.inc(labels, row.bytesOut);
        counted++;
      }
    }
  };
  return { ns: best(run, rounds), checksum: counted };
}

/** Best of five passes after a warm-up of the same length: the others measure the machine's other tenants. */
function best(run: (times: number) => void, rounds: number): number {
  run(rounds);
  const passes = Array.from({ length: 5 }, () => {
    const from = process.hrtime.bigint();
    run(rounds);
    return Number(process.hrtime.bigint() - from) / (rounds * VARIETY);
  });
  return Math.min(...passes);
}

const name = process.argv[2] ?? 'ours';
const { ns, checksum } = name === 'prom-client' ? promClient(30) : ours(300);
process.stdout.write(`${name}: ${ns.toFixed(1)} ns per request, checksum ${checksum}, node ${process.version}\n`);
