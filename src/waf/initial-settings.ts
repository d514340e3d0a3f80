import { type Entry, NO_ENTRIES } from './entry.ts';
import { evaluateRule } from './evaluate.ts';
import type { LinkedRule, RuleLink } from './seclang/syntax.ts';
import type { SettledItem } from './settle.ts';
import type { RequestState } from './state.ts';
import { RULE_VARIABLES } from './variables/rules.ts';

/** What is left of a rule set, and what TX holds when a request begins. */
export interface Begun {
  readonly items: SettledItem[];
  readonly tx: readonly Entry[];
}

type SettledRule = Exclude<SettledItem, string>;

/**
 * Runs, once and for all, the rules at the beginning of phase 1 that do the same for every request: those that set up a
 * rule set. Ends at the first rule that may see what they do and is not decided itself.
 *
 * @param held   Of rules that were decided: whether they hold.
 * @param state  Of a request that nobody sent.
 */
export function begin(
  items: readonly SettledItem[],
  held: ReadonlyMap<LinkedRule, boolean>,
  state: RequestState,
): Begun {
  const isFirstPhase = (item: SettledItem): item is SettledRule => typeof item !== 'string' && item.linked.phase === 1;
  const rules = items.filter(isFirstPhase);
  // Rules that count others, or that look at what former rules found, must find all of them.
  if (rules.some(({ result }) => result.skip > 0) || items.some(readsFormerMatches)) {
    return { items: [...items], tx: NO_ENTRIES };
  }
  const behind = rules.findIndex((item) => !held.has(item.linked) && !isBlind(item.linked));
  const front = rules.slice(0, behind === -1 ? rules.length : behind);
  const loud = front.findIndex((item) => held.get(item.linked) === true && !isSilent(item));
  const settled = front.slice(0, loud === -1 ? front.length : loud).filter(({ linked }) => held.has(linked));
  for (const { name } of state.tx.entries()) state.tx.delete(name);
  for (const { result } of settled) evaluateRule(result.rule, state);
  const taken = new Set<SettledItem>(settled);
  return { items: items.filter((item) => !taken.has(item)), tx: Object.freeze(state.tx.entries()) };
}

/** It does nothing but write settings. */
function isSilent({ result: { rule, skip, skipAfter } }: SettledRule): boolean {
  const does = rule.logged || rule.audited || rule.disruption !== null || rule.severity !== -1;
  return !does && skip === 0 && skipAfter === null;
}

/** Neither sees settings nor keeps others from writing them. */
function isBlind({ links }: LinkedRule): boolean {
  return links.every(
    ({ variables, operator, actions }) =>
      variables.every(({ name }) => !(name in RULE_VARIABLES)) &&
      !hasMacro(operator?.parameter ?? '') &&
      actions.every(({ name, value }) => {
        if (hasMacro(value ?? '')) return false;
        const word = name.toLowerCase();
        return BLIND.has(word) || (word === 'ctl' && /^requestBodyProcessor=/i.test(value ?? ''));
      }),
  );
}

const BLIND = new Set([
  'pass',
  'nolog',
  'noauditlog',
  'log',
  'auditlog',
  'tag',
  'ver',
  'rev',
  'msg',
  't',
  'multimatch',
]);

const hasMacro = (text: string): boolean => text.includes('%{');

/** A rule whose first link, or an action without a value of its own, looks at MATCHED_VAR and the like. */
function readsFormerMatches(item: SettledItem): boolean {
  if (typeof item === 'string') return false;
  const [{ variables, operator, actions }] = item.linked.links as readonly [RuleLink];
  if (variables.some(({ name }) => name.startsWith('MATCHED_'))) return true;
  return operator === null && actions.some(({ value }) => /%\{MATCHED_/i.test(value ?? ''));
}
