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
    const released = release.ratios[budget.name];
    const allowed = released === undefined ? Number.POSITIVE_INFINITY : released * (1 + release.worsening);
    const limitOf = allowed < budget.most ? 'release' : 'budget';
    const limit = Math.min(allowed, budget.most);
    const head = { budget, limit, limitOf } as const;
    const measured = run.quick
      ? ({ kind: 'void', words: 'a quick run is for a first look' } as const)
      : measuredFor(budget, run);
    if (measured.kind === 'ratio') {
      const { spread } = measured;
      return { ...head, kind: spread.median > limit ? 'broken' : 'held', spread, words: '' };
    }
    return { ...head, kind: measured.kind === 'absent' ? 'unjudged' : 'void', spread: null, words: measured.words };
  });
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
