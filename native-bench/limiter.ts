import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Answer, Job, Measured } from './limiter/run.ts';

/**
 * Nanoseconds of CPU time per rate limit decision (hash of the key, then its count), medians, one process per traffic:
 * ours by one thread and by four at once, beside the in-memory limiter of rate-limiter-flexible, which counts in fixed
 * windows and in one thread. Both get the same keys as new strings, the same limits and windows, in turns. It reads
 * the clock for each decision where ours goes by the request's, so it is measured once more with the request's clock
 * in place of its own. The numbers admitted are known beforehand and prove that the work was done.
 *
 *   node dist/native-bench/limiter.js
 */
const NS_MAX = 200;
/** Over all traffics, its clock as it comes; single ones differ. */
const RATIO_MIN = 5;
/** What the compiler leaves of its own; a number on the heap per decision would be 16 million. */
const HEAP_GROWTH_MAX = 1_000_000;

const traffics = [
  { name: '4,096 addresses, all admitted', keys: 4_096, limit: 100 },
  { name: '4,096 addresses, half refused', keys: 4_096, limit: 50 },
  { name: '102,400 addresses, all admitted', keys: 102_400, limit: 4 },
  { name: '102,400 addresses, half refused', keys: 102_400, limit: 2 },
] as const;
const faults: string[] = [];
const sums = { ours: 0, rival: 0, still: 0 };

console.log(`${availableParallelism()} cores, Node.js ${process.versions.node}`);
const hash = wayOf(measure({ name: 'hash', threads: 1, keys: 4_096, limit: 1 }), 'hash').ns;
console.log(`hash of the key alone: ${hash.toFixed(0)} ns`);
console.log('                                                       rate-limiter-flexible');
console.log('traffic                            1 thread   4 threads   as it comes   ratio   our clock   ratio');
for (const { name, keys, limit } of traffics) {
  const alone = measure({ name: 'alone', threads: 1, keys, limit });
  const [one, rival, still] = [wayOf(alone, 'ours'), wayOf(alone, 'rival'), wayOf(alone, 'still')];
  const four = wayOf(measure({ name: 'threads', threads: 4, keys, limit }), 'ours');
  sums.ours += one.ns;
  sums.rival += rival.ns;
  sums.still += still.ns;
  console.log(
    name.padEnd(32) +
      cell(one.ns, 11) +
      cell(four.ns, 12) +
      cell(rival.ns, 14) +
      (rival.ns / one.ns).toFixed(1).padStart(8) +
      cell(still.ns, 12) +
      (still.ns / one.ns).toFixed(1).padStart(8),
  );
  const admitted = [one, four, rival, still].map((measured) => measured.admitted);
  if (admitted.some((count) => count !== limit * keys)) faults.push(`${name}: admitted ${admitted.join(', ')}`);
  if (keys === 4_096 && one.ns > NS_MAX) faults.push(`${name}: ${one.ns.toFixed(0)} ns, at most ${NS_MAX} wanted`);
}
const ratio = sums.rival / sums.ours;
const still = sums.still / sums.ours;
console.log(`over all four it takes ${ratio.toFixed(1)} times as long, with our clock ${still.toFixed(1)} times`);
if (ratio < RATIO_MIN) faults.push(`at least ${RATIO_MIN} times wanted`);
const heap = measure({ name: 'heap', threads: 1, keys: 4_096, limit: 1_000_000 });
const decided = wayOf(heap, 'ours').admitted;
console.log(
  `heap after ${decided} decisions: ${heap.retainedBytes} bytes more, ${heap.allocatedBytes} before a collection`,
);
if (heap.allocatedBytes > HEAP_GROWTH_MAX) faults.push(`${heap.allocatedBytes} bytes were allocated`);
if (decided < 1_000_000) faults.push(`heap: admitted ${decided}`);
for (const fault of faults) console.error(`WRONG: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function measure(job: Job): Answer {
  const path = fileURLToPath(new URL('./limiter/case.js', import.meta.url));
  // A young generation that a million decisions do not fill: no collection hides what they allocate.
  const roomy = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
  const flags = ['--expose-gc', ...(job.name === 'heap' ? roomy : [])];
  return JSON.parse(execFileSync(process.execPath, [...flags, path, JSON.stringify(job)], { encoding: 'utf8' }));
}

function wayOf(answer: Answer, name: string): Measured {
  const way = answer.ways[name];
  if (way === undefined) throw new Error(`no measurement of ${name}`);
  return way;
}

function cell(ns: number, width: number): string {
  return `${ns.toFixed(0)} ns`.padStart(width);
}
