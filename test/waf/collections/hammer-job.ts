import { type HammerPlace, hammerWith } from '../../support/hammer.ts';

export interface HammerJob extends HammerPlace {
  readonly collectionWords: Int32Array;
  /** Each thread adds 1 so many times to one counter that all share, and to one of its own. */
  readonly adds: number;
  /** Beside that it writes so many collections, round and round, each change another length. */
  readonly churned: number;
}

/** Starts `threads` workers together. @returns  Of each thread, sums that it was told and that were not new to it. */
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<number[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}
