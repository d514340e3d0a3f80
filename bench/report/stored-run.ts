import type { Spread } from '../statistics.ts';
import type { StoredCase, StoredSummary } from './run-schema.ts';

/** A spread as it is stored: null or absent where there is none. */
type MaybeSpread = { median: number | null; min: number | null; max: number | null } | null | undefined;

/** @returns  null unless all three figures are there. */
export function spreadOrNull(spread: MaybeSpread): Spread | null {
  if (spread === null || spread === undefined) return null;
  const { median, min, max } = spread;
  return median === null || min === null || max === null ? null : { median, min, max };
}

export function medianOrNull(spread: MaybeSpread): number | null {
  return spreadOrNull(spread)?.median ?? null;
}

/** Whom the others of a case were compared with: the one that is exactly 1 times itself. Null where nobody was. */
export function baselineIn({ summary }: StoredCase): string | null {
  const isOne = ({ ratio }: StoredSummary): boolean => {
    const spread = spreadOrNull(ratio);
    return spread !== null && spread.min === 1 && spread.max === 1;
  };
  return summary.find(isOne)?.peer ?? null;
}

export function summaryOf(one: StoredCase, peer: string): StoredSummary | null {
  return one.summary.find((summary) => summary.peer === peer) ?? null;
}
