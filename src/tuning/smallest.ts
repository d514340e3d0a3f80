import { type Breadth, type Exclusion, exclusionControl } from './exclusion.ts';

/** What an exclusion costs: a whole rule is worth many members. */
export const COSTS: Readonly<Record<Breadth, number>> = { member: 1, numbered: 2, variable: 6, rule: 24 };

/** All subsets of so many are put in order. */
const EXACT_MAX = 10;
/** Subsets that are tried before it is taken as it comes. */
const TRIES_MAX = 200;

/**
 * The cheapest of the exclusions with which a request passes.
 *
 * @param all     It passes with all of them.
 * @param passes  Tries some, by their `ctl` words.
 */
export function smallestOf(
  all: readonly Exclusion[],
  passes: (controls: readonly string[]) => boolean,
): readonly Exclusion[] {
  const tries = (some: readonly Exclusion[]): boolean => passes(some.map(exclusionControl));
  if (all.length <= EXACT_MAX) {
    const found = subsetsOf(all).slice(0, TRIES_MAX).find(tries);
    if (found !== undefined) return found;
  }
  // The broadest first: whatever need not be left out is not.
  let kept = [...all].sort((a, b) => COSTS[b.breadth] - COSTS[a.breadth]);
  for (const one of [...kept]) {
    const without = kept.filter((other) => other !== one);
    if (tries(without)) kept = without;
  }
  return all.filter((one) => kept.includes(one));
}

/** Cheapest first, without the empty one. */
function subsetsOf(all: readonly Exclusion[]): Exclusion[][] {
  const subsets: { readonly some: Exclusion[]; readonly cost: number }[] = [];
  for (let bits = 1; bits < 2 ** all.length; bits += 1) {
    const some = all.filter((_, index) => (bits & (1 << index)) !== 0);
    subsets.push({ some, cost: some.reduce((sum, { breadth }) => sum + COSTS[breadth], 0) });
  }
  return subsets.sort((a, b) => a.cost - b.cost).map(({ some }) => some);
}
