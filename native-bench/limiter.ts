import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DECISIONS, type Job, type Measured } from './limiter/run.ts';

/**
 * Nanoseconds per rate limit decision (hash of the key, then its count), one process per case, beside the in-memory
 * limiter of rate-limiter-flexible, which counts in fixed windows and in one thread. Four threads: time that passes per
 * decision, all together. The numbers admitted are known beforehand and prove that the work was done.
 *
 *   node dist/native-bench/limiter.js
 */
const NS_MAX = 200;
/** Over all traffics; single ones differ. */
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
const sums = { ours: 0, rival: 0 };

console.log(`${availableParallelism()} cores, Node.js ${process.versions.node}`);
const alone = measure({ name: 'hash', threads: 1, keys: 4_096, limit: 1 }).ns;
console.log(`hash of the key alone: ${alone.toFixed(0)} ns`);
console.log('traffic                            1 thread   4 threads   rate-limiter-flexible   ratio   admitted');
for (const { name, keys, limit } of traffics) {
  const one = measure({ name: 'shared', threads: 1, keys, limit });
  const four = measure({ name: 'shared', threads: 4, keys, limit });
  const rival = measure({ name: 'rival', threads: 1, keys, limit });
  const admitted = [one, four, rival].map((measured) => measured.admitted);
  const ratio = (rival.ns / one.ns).toFixed(1).padStart(8);
  console.log(
    `${name.padEnd(32)}${cell(one.ns, 11)}${cell(four.ns, 12)}${cell(rival.ns, 24)}${ratio}   ${admitted.join(' ')}`,
  );
  sums.ours += one.ns;
  sums.rival += rival.ns;
  if (admitted.some((count) => count !== limit * keys)) faults.push(`${name}: admitted ${admitted.join(', ')}`);
  if (keys === 4_096 && one.ns > NS_MAX) faults.push(`${name}: ${one.ns.toFixed(0)} ns, at most ${NS_MAX} wanted`);
}
const ratio = sums.rival / sums.ours;
console.log(`rate-limiter-flexible takes ${ratio.toFixed(1)} times as long over all four`);
if (ratio < RATIO_MIN) faults.push(`at least ${RATIO_MIN} times wanted`);
const heap = measure({ name: 'heap', threads: 1, keys: 4_096, limit: 1_000 });
console.log(
  `heap after a million decisions: ${heap.retainedBytes} bytes more, ${heap.allocatedBytes} before a collection`,
);
if (heap.allocatedBytes > HEAP_GROWTH_MAX) faults.push(`${heap.allocatedBytes} bytes were allocated`);
if (heap.admitted !== 1_000_000) faults.push(`heap: admitted ${heap.admitted} of ${DECISIONS}`);
for (const fault of faults) console.error(`WRONG: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function measure(job: Job): Measured {
  const path = fileURLToPath(new URL('./limiter/case.js', import.meta.url));
  // A young generation that a million decisions do not fill: no collection hides what they allocate.
  const roomy = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
  const flags = ['--expose-gc', ...(job.name === 'heap' ? roomy : [])];
  return JSON.parse(execFileSync(process.execPath, [...flags, path, JSON.stringify(job)], { encoding: 'utf8' }));
}

function cell(ns: number, width: number): string {
  return `${ns.toFixed(0)} ns`.padStart(width);
}
