import { type HammerPlace, hammerWith } from '../../support/hammer.ts';

export interface HammerJob extends HammerPlace {
  readonly collectionWords: Int32Array;
  /** Each thread adds 1 so many times to one counter that all share. */
  readonly adds: number;
  /** It writes so many other collections, round and round, each time another length; 0: it adds to one of its own. */
  readonly churned: number;
}

/** Starts `threads` workers together. @returns  Of each thread, how many sums it was told that cannot be. */
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<number[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}
