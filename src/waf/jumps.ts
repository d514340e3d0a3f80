import type { RuleResult } from './compile-rule.ts';
import type { CompiledLink, CompiledRule } from './rule.ts';
import type { LinkedRule } from './seclang/syntax.ts';

/** A rule as it was read and as it will run. */
export interface ProgramRule {
  readonly linked: LinkedRule;
  readonly result: RuleResult;
}

/** A rule, or the name of a marker. */
export type ProgramItem = ProgramRule | string;

/**
 * Where a rule goes on when it holds: an index into the program, behind what it skips; `skip` counts rules of its
 * phase. The length of the program where that is its end.
 */
export function landingOf(items: readonly ProgramItem[], index: number): number {
  const { linked, result } = items[index] as ProgramRule;
  if (result.skipAfter !== null) {
    const marker = items.indexOf(result.skipAfter, index + 1);
    return marker === -1 ? items.length : marker;
  }
  let left = result.skip;
  let at = index + 1;
  for (; left > 0 && at < items.length; at += 1) {
    const item = items[at] as ProgramItem;
    if (typeof item !== 'string' && item.linked.phase === linked.phase) left -= 1;
  }
  return at;
}

/**
 * The rules of one phase, each with how many of them it skips.
 *
 * @param idle  Rules that are left out. Whoever skips over one skips one less.
 * @param met   Rules of one link that need not look whether they hold.
 */
export function rulesOfPhase(
  items: readonly ProgramItem[],
  phase: number,
  idle: ReadonlySet<ProgramRule>,
  met: ReadonlySet<ProgramRule>,
): CompiledRule[] {
  /** Index of an item -> rules of the phase before it. */
  const before: number[] = [];
  const kept: number[] = [];
  for (const [index, item] of items.entries()) {
    before.push(kept.length);
    if (typeof item !== 'string' && item.linked.phase === phase && !idle.has(item)) kept.push(index);
  }
  before.push(kept.length);
  return kept.map((index, position) => {
    const skips = (before[landingOf(items, index)] as number) - position - 1;
    const item = items[index] as ProgramRule;
    const { rule } = item.result;
    return Object.freeze({ ...rule, links: met.has(item) ? rule.links.map(unconditional) : rule.links, skips });
  });
}

const unconditional = (link: CompiledLink): CompiledLink =>
  Object.freeze({ ...link, targets: [], test: null, gate: null, shared: null });
