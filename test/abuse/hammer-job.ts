import type { AbuseSettings } from '../../src/abuse/rules.ts';
import { type HammerPlace, hammerWith } from '../support/hammer.ts';

export interface HammerJob extends HammerPlace {
  readonly job: 'one-key' | 'churn';
  readonly banWords: Int32Array;
  readonly limiterWords: Int32Array;
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
export function hammer(job: Omit<HammerJob, keyof HammerPlace> & Pick<HammerJob, 'threads'>): Promise<HammerResult[]> {
  return hammerWith(new URL('./hammer.js', import.meta.url), job);
}
