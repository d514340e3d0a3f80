import { Worker } from 'node:worker_threads';
import type { Rate } from '../../src/throttle/permits.ts';

/** Words that main and the threads share. */
export const NOW_MS = 0;
export const ARRIVED = 1;
export const STEP = 2;
export const CONTROL_WORDS = 3;

export interface SenderPlan {
  readonly key: string;
  /** Requests that it keeps waiting. */
  readonly depth: number;
}

export interface ThreadJob {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly thread: number;
  readonly rate: Rate;
  readonly deadlineMs: number;
  readonly senders: readonly SenderPlan[];
  /** Virtual time of its end. */
  readonly endMs: number;
  /** It ends here without a word, with requests waiting; 0 for never. */
  readonly diesAtMs: number;
  /** Main opens each millisecond for all at once; without, threads run ahead as fast as they can. */
  readonly inStep: boolean;
}

export interface ThreadResult {
  readonly admitted: Record<string, number>;
  readonly late: number;
  readonly longestMs: number;
  readonly lengthMax: number;
}

/** Starts one thread. @returns  What it counted; null for one that died. */
export function startThread(job: ThreadJob): Promise<ThreadResult | null> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: job });
    let result: ThreadResult | null = null;
    worker.once('message', (message: ThreadResult) => {
      result = message;
    });
    worker.once('error', reject);
    worker.once('exit', () => resolve(result));
  });
}
