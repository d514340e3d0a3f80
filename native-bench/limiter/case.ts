import { Worker } from 'node:worker_threads';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import {
  type Answer,
  BLOCK,
  DECISIONS,
  Decider,
  type Job,
  type Measured,
  ROUNDS,
  SLOTS,
  Traffic,
  WARM,
} from './run.ts';
import type { ThreadData } from './thread.ts';
import { hashing, ours, rival, type Way } from './ways.ts';

// One case in a process of its own: node --expose-gc case.js JOB, JOB as JSON. Prints what was measured as JSON.

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const traffic = new Traffic(job.keys);
const collect = globalThis.gc as () => void;
const CASES = { hash: hashAlone, alone, threads, heap };

console.log(JSON.stringify(await CASES[job.name]()));
process.exit(0);

function hashAlone(): Promise<Answer> {
  return compared({ hash: hashing() });
}

function alone(): Promise<Answer> {
  return compared({ ours: ours(job.limit), rival: rival(job.limit, true), still: rival(job.limit, false) });
}

/** Round by round in turns, so that neighbours on the machine disturb all ways alike. */
async function compared(ways: Readonly<Record<string, Way>>): Promise<Answer> {
  const tallies = Object.keys(ways).map((name) => ({ name, ns: [] as number[], admitted: [] as number[] }));
  for (let round = 1; round <= WARM + ROUNDS; round += 1) {
    for (const { name, ns, admitted } of tallies) {
      const { cpuNs, count } = await roundOf(ways[name] as Way, round);
      admitted.push(count);
      if (round > WARM) ns.push(cpuNs / DECISIONS);
    }
  }
  return {
    ...nothing(),
    ways: Object.fromEntries(tallies.map(({ name, ns, admitted }) => [name, middle(ns, admitted)])),
  };
}

async function roundOf(way: Way, round: number): Promise<{ cpuNs: number; count: number }> {
  const keys: string[] = [];
  const all = new Set<string>();
  let [cpuNs, count] = [0, 0];
  collect();
  way.begin(round);
  for (let from = 0; from < DECISIONS; from += BLOCK) {
    traffic.make(from, keys);
    const before = process.cpuUsage();
    count += await way.decide(keys, from, round);
    const { user, system } = process.cpuUsage(before);
    cpuNs += (user + system) * 1_000;
  }
  for (let from = 0; from < DECISIONS; from += BLOCK) {
    traffic.make(from, keys);
    for (const key of keys) all.add(key);
  }
  await way.end(all);
  return { cpuNs, count };
}

/** Threads measure their own CPU time, which other processes on the cores do not add to. */
async function threads(): Promise<Answer> {
  const words = createLimiterWords(SLOTS, 0);
  const board = new Int32Array(new SharedArrayBuffer(4));
  type Said = { readonly cpuNs: number; readonly admitted: number };
  let heard: (said: Said) => void = () => undefined;
  const workers = Array.from({ length: job.threads }, (_, thread) => {
    const workerData: ThreadData = { ...job, words, board, thread };
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
    worker.on('message', (said: Said) => heard(said));
    return worker;
  });
  const all = (): Promise<Said> =>
    new Promise((resolve) => {
      let [cpuNs, admitted, left] = [0, 0, job.threads];
      heard = (said) => {
        cpuNs += said.cpuNs;
        admitted += said.admitted;
        left -= 1;
        if (left === 0) resolve({ cpuNs, admitted });
      };
    });
  await all();
  const ns: number[] = [];
  const admitted: number[] = [];
  for (let round = 1; round <= WARM + ROUNDS; round += 1) {
    const done = all();
    Atomics.store(board, 0, round);
    Atomics.notify(board, 0);
    const said = await done;
    admitted.push(said.admitted);
    if (round > WARM) ns.push(said.cpuNs / DECISIONS);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { ...nothing(), ways: { ours: middle(ns, admitted) } };
}

/** A young generation that is never full: nothing is collected in between, so the growth is all that was allocated. */
async function heap(): Promise<Answer> {
  const decider = new Decider(createLimiterWords(SLOTS, 0), job.limit);
  const keys: string[] = [];
  traffic.make(0, keys);
  const run = (blocks: number, round: number): number => {
    let admitted = 0;
    for (let block = 0; block < blocks; block += 1) admitted += decider.decide(keys, block * BLOCK, round);
    return admitted;
  };
  const blocks = Math.ceil(1_000_000 / BLOCK);
  run(blocks * 2, 1);
  collect();
  const before = process.memoryUsage().heapUsed;
  const admitted = run(blocks, 2);
  const allocatedBytes = process.memoryUsage().heapUsed - before;
  collect();
  const retainedBytes = process.memoryUsage().heapUsed - before;
  return { ways: { ours: { ns: 0, admitted } }, allocatedBytes, retainedBytes };
}

function nothing(): Answer {
  return { ways: {}, allocatedBytes: 0, retainedBytes: 0 };
}

function middle(ns: readonly number[], admitted: readonly number[]): Measured {
  if (new Set(admitted).size !== 1) throw new Error(`rounds admitted ${admitted.join(', ')}: they must be equal`);
  return { ns: [...ns].sort((a, b) => a - b)[ns.length >> 1] as number, admitted: admitted[0] as number };
}
