import { type Entry, NO_ENTRIES } from './entry.ts';
import { evaluateRule } from './evaluate.ts';
import type { ProgramRule } from './jumps.ts';
import type { SettledValues } from './settled-values.ts';
import type { RequestState } from './state.ts';
import { RULE_VARIABLES } from './variables/rules.ts';

/** What is done before any request. */
export interface Begun {
  readonly done: readonly ProgramRule[];
  /** What TX holds when a request begins. */
  readonly tx: readonly Entry[];
}

/**
 * Runs, once and for all, the rules at the beginning of phase 1 that do the same for every request: those that set up a
 * rule set. Ends at the first rule that may see what they do and is not decided itself.
 *
 * @param rules  Of phase 1, in order, that are not idle. None of the rule set looks at what former ones found.
 * @param state  Of a request that nobody sent.
 */
export function initialSettings(rules: readonly ProgramRule[], values: SettledValues, state: RequestState): Begun {
  // Rules that count others must find all of them.
  if (rules.some(({ result }) => result.skip > 0)) return { done: [], tx: NO_ENTRIES };
  const behind = rules.findIndex((rule) => values.holds(rule) === undefined && !isBlind(rule));
  const front = rules.slice(0, behind === -1 ? rules.length : behind);
  const loud = front.findIndex((rule) => values.holds(rule) === true && !isSilent(rule));
  const done = front.slice(0, loud === -1 ? front.length : loud).filter((rule) => values.holds(rule) !== undefined);
  for (const { name } of state.tx.entries()) state.tx.delete(name);
  for (const { result } of done) evaluateRule(result.rule, state);
  const tx = state.tx.entries().map(({ name, value }) => Object.freeze({ name, value, isShared: true as const }));
  return { done, tx: Object.freeze(tx) };
}

/** It does nothing but write settings. */
function isSilent({ result: { rule, skip, skipAfter } }: ProgramRule): boolean {
  const does = rule.logged || rule.audited || rule.disruption !== null || rule.severity !== -1;
  return !does && skip === 0 && skipAfter === null;
}

/** Neither sees settings nor keeps others from writing them. */
function isBlind({ linked }: ProgramRule): boolean {
  return linked.links.every(
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
