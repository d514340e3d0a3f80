import { Worker } from 'node:worker_threads';

/** What every thread of a hammer is handed, beside its own job. */
export interface HammerPlace {
  /** Words: threads at the gate, rounds opened; what follows is the job's. */
  readonly gate: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
}

/** Longest that a thread waits for the others: a busy machine is slow, a dead thread never comes. */
const ALONE_MS = 60_000;
const GATE_WORDS = 8;

/**
 * Runs a script in `threads` workers at once.
 *
 * @param script  Gets `job` and a `HammerPlace` as its worker data, and posts one message: its result.
 * @returns  One result per thread.
 */
export function hammerWith<Result>(script: URL, job: { readonly threads: number }): Promise<Result[]> {
  const gate = new SharedArrayBuffer(GATE_WORDS * Int32Array.BYTES_PER_ELEMENT);
  return Promise.all(
    Array.from(
      { length: job.threads },
      (_, thread) =>
        new Promise<Result>((resolve, reject) => {
          const worker = new Worker(script, { workerData: { ...job, gate, thread } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
}

/** A barrier: the last one to come opens it. @param gate  Words of `HammerPlace.gate`. */
export function meet(gate: Int32Array, { thread, threads }: HammerPlace, round: number): void {
  const phase = Atomics.load(gate, 1);
  if (Atomics.add(gate, 0, 1) === threads - 1) {
    Atomics.store(gate, 0, 0);
    Atomics.add(gate, 1, 1);
    Atomics.notify(gate, 1);
    return;
  }
  // Asked again and again: a late notify of the round before may wake those who wait for this one.
  while (Atomics.load(gate, 1) === phase) {
    if (Atomics.wait(gate, 1, phase, ALONE_MS) === 'timed-out') {
      throw new Error(`thread ${thread} waited alone in round ${round}`);
    }
  }
}
