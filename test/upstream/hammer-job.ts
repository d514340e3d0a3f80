import { Worker } from 'node:worker_threads';

export interface HammerJob {
  readonly job: 'eject' | 'spread' | 'claim' | 'enter';
  readonly table: SharedArrayBuffer;
  /** Words: threads at the gate, rounds opened, requests inside a bound. */
  readonly gate: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
  readonly rounds: number;
  readonly slots: readonly number[];
}

export interface HammerResult {
  /** What the thread counted in each round. */
  readonly perRound: number[];
  readonly timeOrigin: number;
}

/** Runs `threads` workers that start every round together. @returns One result per thread. */
export function hammer(job: Omit<HammerJob, 'gate' | 'thread'>): Promise<HammerResult[]> {
  const gate = new SharedArrayBuffer(12);
  return Promise.all(
    Array.from(
      { length: job.threads },
      (_, thread) =>
        new Promise<HammerResult>((resolve, reject) => {
          const worker = new Worker(new URL('./hammer.js', import.meta.url), { workerData: { ...job, gate, thread } });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
}

/** Sum over threads, for each round. */
export function totals(results: readonly HammerResult[]): number[] {
  return (results[0] as HammerResult).perRound.map((_, round) =>
    results.reduce((sum, { perRound }) => sum + (perRound[round] as number), 0),
  );
}
