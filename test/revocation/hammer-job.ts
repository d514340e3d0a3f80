import { type HammerPlace, hammerWith } from '../support/hammer.ts';

export interface HammerJob extends HammerPlace {
  readonly words: Int32Array;
  /** Ids that are always revoked: (STEADY, 0) and so on. */
  readonly steady: number;
}

export interface HammerResult {
  looks: number;
  /** Looks that did not find what is always revoked. */
  missed: number;
  /** Looks that found what never is. */
  wrong: number;
}

/** Words of the gate behind the barrier's: 1 when the writer is done. */
export const DONE = 4;
export const STEADY = 77;
export const NEVER = 78;
export const PASSING = 79;

/** Runs one writer and `threads - 1` readers. @returns One result per thread. */
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<HammerResult[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}
