import type { Phase } from './default-actions.ts';
import { isDisruptive, isNamed, lastNamed, settledActions } from './rule-actions.ts';
import type { ActionPart, LinkedRule, OperatorPart, Place, RuleLink, VariablePart } from './syntax.ts';

/** A link while directives behind it may still change it. */
export interface LinkDraft {
  readonly place: Place;
  readonly variables: VariablePart[];
  readonly operator: OperatorPart | null;
  /** As written, updates behind them. */
  actions: readonly ActionPart[];
}

/** A rule in the making. */
export interface RuleDraft {
  readonly kind: 'rule';
  readonly id: number;
  readonly phase: Phase;
  /** Those that held where the rule stands. */
  readonly defaults: readonly ActionPart[];
  readonly links: LinkDraft[];
  removed: boolean;
}

/** The rule with its defaults merged in: `block` has become the disruptive action of its phase. */
export function finishedRule({ id, phase, defaults, links }: RuleDraft): LinkedRule {
  return { kind: 'rule', id, phase, links: links.map((link, index) => finishedLink(link, index, defaults)) };
}

function finishedLink(link: LinkDraft, index: number, defaults: readonly ActionPart[]): RuleLink {
  const { place, variables, operator } = link;
  const isFirst = index === 0;
  // Of the defaults of its phase only transformations matter behind the first link.
  const inherited = isFirst ? defaults : defaults.filter((action) => isNamed(action, 't'));
  const blocks = defaults.findLast(isDisruptive);
  const actions = settledActions([...inherited, ...link.actions])
    .filter(({ name }) => !['id', 'phase', 'chain'].includes(name.toLowerCase()))
    .map((action) => (isNamed(action, 'block') && blocks !== undefined ? blocks : action));
  return { place, variables, operator, actions };
}

/** `msg` of the first link; null without one. */
export function messageOf({ links }: RuleDraft): string | null {
  return lastNamed(links[0]?.actions ?? [], 'msg')?.value ?? null;
}

export function tagsOf({ links }: RuleDraft): string[] {
  return (links[0]?.actions ?? []).filter((action) => isNamed(action, 'tag')).map(({ value }) => value ?? '');
}
