import { Worker } from 'node:worker_threads';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { DECISIONS, Decider, type Job, type Measured, ROUNDS, SLOTS, traffic } from './run.ts';
import type { ThreadData } from './thread.ts';

// One case in a process of its own: node --expose-gc case.js JOB, JOB as JSON. Prints what was measured as JSON.

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const keys = traffic(job.keys);
const empty: Measured = { ns: Number.POSITIVE_INFINITY, admitted: 0, allocatedBytes: 0, retainedBytes: 0 };
const MEASURES = { hash, shared: job.threads > 1 ? sharedByThreads : shared, rival, heap };

console.log(JSON.stringify(await MEASURES[job.name]()));
// The rival has timers left.
process.exit(0);

function hash(): Measured {
  const hasher = new KeyHash(1, 2);
  return best((round) => {
    let sum = 0;
    for (let i = 0; i < DECISIONS; i += 1) {
      hasher.hash(keys[i] as string, round);
      sum = (sum + hasher.low) | 0;
    }
    return sum === 0 ? 1 : 0;
  });
}

function shared(): Measured {
  const decider = new Decider(createLimiterWords(SLOTS, 0), keys, job.limit);
  return best((round) => decider.decide(0, DECISIONS, round));
}

async function sharedByThreads(): Promise<Measured> {
  const words = createLimiterWords(SLOTS, 0);
  const board = new Int32Array(new SharedArrayBuffer(4));
  let heard: (count: number) => void = () => undefined;
  const workers = Array.from({ length: job.threads }, (_, thread) => {
    const workerData: ThreadData = { ...job, words, board, thread };
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
    worker.on('message', (count: number) => heard(count));
    return worker;
  });
  const all = (): Promise<number> =>
    new Promise((resolve) => {
      let [sum, left] = [0, job.threads];
      heard = (count) => {
        sum += count;
        left -= 1;
        if (left === 0) resolve(sum);
      };
    });
  await all();
  const measured = await bestLater(async (round) => {
    const done = all();
    Atomics.store(board, 0, round);
    Atomics.notify(board, 0);
    return done;
  });
  await Promise.all(workers.map((worker) => worker.terminate()));
  return measured;
}

async function rival(): Promise<Measured> {
  return bestLater(async () => {
    const limiter = new RateLimiterMemory({ points: job.limit, duration: 60 });
    let admitted = 0;
    for (let i = 0; i < DECISIONS; i += 1) {
      try {
        await limiter.consume(keys[i] as string);
        admitted += 1;
      } catch (refusal) {
        if (refusal instanceof Error) throw refusal;
      }
    }
    return admitted;
  });
}

/** A young generation that is never full: nothing is collected in between, so the growth is all that was allocated. */
function heap(): Measured {
  const decider = new Decider(createLimiterWords(SLOTS, 0), keys, job.limit);
  const collect = globalThis.gc as () => void;
  decider.decide(0, 2_000_000, 1);
  collect();
  const before = process.memoryUsage().heapUsed;
  const admitted = decider.decide(0, 1_000_000, 2);
  const allocatedBytes = process.memoryUsage().heapUsed - before;
  collect();
  return { ns: 0, admitted, allocatedBytes, retainedBytes: process.memoryUsage().heapUsed - before };
}

function best(run: (round: number) => number): Measured {
  let measured = empty;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const startedAt = process.hrtime.bigint();
    const admitted = run(round);
    measured = better(measured, Number(process.hrtime.bigint() - startedAt) / DECISIONS, admitted);
  }
  return measured;
}

async function bestLater(run: (round: number) => Promise<number>): Promise<Measured> {
  let measured = empty;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const startedAt = process.hrtime.bigint();
    const admitted = await run(round);
    measured = better(measured, Number(process.hrtime.bigint() - startedAt) / DECISIONS, admitted);
  }
  return measured;
}

function better(measured: Measured, ns: number, admitted: number): Measured {
  if (measured !== empty && measured.admitted !== admitted) {
    throw new Error(`rounds admitted ${measured.admitted} and ${admitted}: they must be equal`);
  }
  return { ...measured, ns: Math.min(measured.ns, ns), admitted };
}
