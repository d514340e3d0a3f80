import type { StoredRun } from '../report/run-schema.ts';
import type { Spread } from '../statistics.ts';
import type { Budget, Budgets } from './budget.ts';
import { measuredFor } from './ratios.ts';

/** How one budget came out. */
export interface Judgement {
  readonly budget: Budget;
  readonly kind: 'held' | 'broken' | 'unjudged' | 'void';
  /** Null where nothing could be measured. */
  readonly spread: Spread | null;
  /** The stricter of the two limits, and whose it is. */
  readonly limit: number;
  readonly limitOf: 'budget' | 'release';
  /** Why there is no figure; empty otherwise. */
  readonly words: string;
}

/**
 * Holds a run against all budgets, and against the ratios of the last release.
 *
 * The median decides: a single bad round breaks nothing, a single good one saves nothing.
 */
export function judge({ budgets, release }: Budgets, run: StoredRun): readonly Judgement[] {
  return budgets.map((budget) => {
    const head = { budget, ...limitFor(budget, release) };
    const measured = run.quick
      ? ({ kind: 'void', words: 'a quick run is for a first look' } as const)
      : measuredFor(budget, run);
    if (measured.kind === 'ratio') {
      const { spread } = measured;
      return { ...head, kind: isOver(spread, head.limit) ? 'broken' : 'held', spread, words: '' };
    }
    return { ...head, kind: measured.kind === 'absent' ? 'unjudged' : 'void', spread: null, words: measured.words };
  });
}

/** The stricter of the budget and what the last release allows. */
export function limitFor(
  { name, most }: Pick<Budget, 'name' | 'most'>,
  { ratios, worsening }: Pick<Budgets['release'], 'ratios' | 'worsening'>,
): { readonly limit: number; readonly limitOf: 'budget' | 'release' } {
  const released = ratios[name];
  const allowed = released === undefined ? Number.POSITIVE_INFINITY : released * (1 + worsening);
  return allowed < most ? { limit: allowed, limitOf: 'release' } : { limit: most, limitOf: 'budget' };
}

/** The median decides. */
export function isOver({ median }: Spread, limit: number): boolean {
  return median > limit;
}

/** @param allowUnjudged  Whether budgets that the run says nothing about are let pass: void ones never are. */
export function isOpen(judgements: readonly Judgement[], allowUnjudged: boolean): boolean {
  return judgements.every(({ kind }) => kind === 'held' || (kind === 'unjudged' && allowUnjudged));
}

/** The ratios of a run as a release keeps them: of the budgets that held. */
export function ratiosOf(judgements: readonly Judgement[]): Record<string, number> {
  return Object.fromEntries(
    judgements.flatMap(({ kind, budget, spread }) =>
      kind === 'held' && spread !== null ? [[budget.name, Number(spread.median.toPrecision(4))] as const] : [],
    ),
  );
}
