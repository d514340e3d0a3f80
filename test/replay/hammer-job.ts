import { type HammerPlace, hammerWith } from '../support/hammer.ts';

export interface HammerJob extends HammerPlace {
  /** `same`: all claim the same ids. `own`: half of each thread's ids are its own. */
  readonly job: 'same' | 'own';
  readonly replayWords: Int32Array;
  readonly rounds: number;
  readonly perRound: number;
}

export interface HammerResult {
  fresh: number;
  seen: number;
  full: number;
}

/** Runs `threads` workers that start every round together. @returns One result per thread. */
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<HammerResult[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}
