import { Worker } from 'node:worker_threads';
import type { AbuseSettings } from '../../src/abuse/rules.ts';

export interface HammerJob {
  readonly job: 'one-key' | 'churn';
  readonly banWords: Int32Array;
  readonly limiterWords: Int32Array;
  /** Words: threads at the gate, rounds opened. */
  readonly gate: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
  readonly rounds: number;
  readonly abuse: AbuseSettings;
}

export interface HammerResult {
  /** Bans the thread made in each round. */
  readonly perRound: number[];
  /** Looks that found a ban of somebody else. */
  wrong: number;
  /** Looks that did not find the ban that was there. */
  missed: number;
}

/** Runs `threads` workers that start every round together. @returns One result per thread. */
export function hammer(job: Omit<HammerJob, 'gate' | 'thread'>): Promise<HammerResult[]> {
  const gate = new SharedArrayBuffer(8);
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
