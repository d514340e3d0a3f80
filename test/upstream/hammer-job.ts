import { type HammerPlace, hammerWith } from '../support/hammer.ts';

/** Word 2 of the gate: requests inside a bound. */
export interface HammerJob extends HammerPlace {
  readonly job: 'eject' | 'spread' | 'claim' | 'enter';
  readonly table: SharedArrayBuffer;
  readonly rounds: number;
  readonly slots: readonly number[];
}

export interface HammerResult {
  /** What the thread counted in each round. */
  readonly perRound: number[];
  readonly timeOrigin: number;
}

/** Runs `threads` workers that start every round together. @returns One result per thread. */
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<HammerResult[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}

/** Sum over threads, for each round. */
export function totals(results: readonly HammerResult[]): number[] {
  return (results[0] as HammerResult).perRound.map((_, round) =>
    results.reduce((sum, { perRound }) => sum + (perRound[round] as number), 0),
  );
}
