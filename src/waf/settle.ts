import { type RuleRemoval, removalOf } from './controls/rule-removals.ts';
import { type Entry, NO_ENTRIES } from './entry.ts';
import { initialSettings } from './initial-settings.ts';
import { landingOf, type ProgramItem, type ProgramRule } from './jumps.ts';
import type { LinkedRule, RuleLink } from './seclang/syntax.ts';
import { SettledValues } from './settled-values.ts';
import type { RequestState } from './state.ts';

/** What is decided of a rule set before any request. */
export interface Settled {
  /** Rules that need not run for any request. */
  readonly idle: ReadonlySet<ProgramRule>;
  /** Rules whose condition is always met: what they do is done without a look. */
  readonly met: ReadonlySet<ProgramRule>;
  /** What TX holds when a request begins. */
  readonly tx: readonly Entry[];
}

export const NOTHING_SETTLED: Settled = Object.freeze({
  idle: new Set<ProgramRule>(),
  met: new Set<ProgramRule>(),
  tx: NO_ENTRIES,
});

/**
 * Finds what need not run for any request: rules that look at nothing but settings of the rule set, and those that set
 * it up. No request gets another verdict.
 *
 * @param state  Of a request that nobody sent; settings are written into its TX.
 */
export function settleRules(items: readonly ProgramItem[], state: RequestState): Settled {
  const rules = items.filter((item): item is ProgramRule => typeof item !== 'string');
  const values = new SettledValues(items, state, removalsOf);
  const traces = rules.some(({ linked }) => seesFormerMatch(linked));
  const removals = rules.flatMap(({ linked }) => removalsOf(linked));
  const idle = idleRules(items, removals, values, traces);
  // Rules that look at what former ones found must find all of them.
  if (traces) return { ...NOTHING_SETTLED, idle };
  const met = rules.filter((rule) => isUnseen(rule) && !isBlindable(rule, removals) && values.isMet(rule));
  const firsts = rules.filter((rule) => rule.linked.phase === 1 && !idle.has(rule));
  const { done, tx } = initialSettings(firsts, values, state);
  return { idle: new Set([...idle, ...done]), met: new Set(met), tx };
}

/**
 * Finds rules that look at nothing but settings of the rule set: `SecRule TX:DETECTION_PARANOIA_LEVEL "@lt 2"
 * "...,skipAfter:END"`. One that never holds is idle. One that always holds and only skips is idle, and so is what it
 * skips. Where a request may change what such a rule looks at, remove it, blind it or come to what it skips in another
 * way, the rule stays.
 *
 * @param traces  Some rule looks at what former ones found.
 */
function idleRules(
  items: readonly ProgramItem[],
  removals: readonly RuleRemoval[],
  values: SettledValues,
  traces: boolean,
): ReadonlySet<ProgramRule> {
  const idle = new Set<ProgramRule>();
  for (const phase of [1, 2, 3, 4, 5]) {
    /** Where rules that stay may go on. */
    const landings: number[] = [];
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index] as ProgramItem;
      if (typeof item === 'string' || item.linked.phase !== phase) continue;
      const landing = landingOf(items, index);
      const isFixed = !isBlindable(item, removals);
      if (isFixed && values.neverBegins(item)) {
        idle.add(item);
        continue;
      }
      const holds = isFixed ? values.holds(item) : undefined;
      if (holds === false && !(traces && item.linked.links.length > 1)) {
        if (item.linked.links.length === 1 || isSilent(item)) idle.add(item);
        continue;
      }
      const skipped = rulesBetween(items, index, landing, phase);
      const isEntered = landings.some((other) => other > index && other < landing);
      if (holds !== true || !isSilent(item) || traces || isEntered || !isFirm(item, skipped, removals)) {
        if (landing > index + 1) landings.push(landing);
        continue;
      }
      for (const rule of [item, ...skipped]) idle.add(rule);
      index = landing - 1;
    }
  }
  return idle;
}

/** Rules of the phase behind one index and before another. */
function rulesBetween(items: readonly ProgramItem[], index: number, end: number, phase: number): ProgramRule[] {
  return items
    .slice(index + 1, end)
    .filter((item): item is ProgramRule => typeof item !== 'string' && item.linked.phase === phase);
}

/** What `ctl` of a rule may take out of a request: rules, or what they look at in TX. */
function removalsOf({ links }: LinkedRule): RuleRemoval[] {
  return links
    .flatMap(({ actions }) => actions)
    .flatMap(({ name, value }) => (name.toLowerCase() === 'ctl' ? (removalOf(value ?? '') ?? []) : []))
    .filter(({ targets }) => targets === null || targets.some(({ variable }) => variable === 'TX'));
}

/** A `ctl` may take away what the rule looks at: a count of nothing is 0, for one. */
function isBlindable({ result }: ProgramRule, removals: readonly RuleRemoval[]): boolean {
  return removals.some(({ rules, targets }) => targets !== null && rules(result.rule));
}

/** No `ctl` can take this rule away and leave any of those that it skips. */
function isFirm({ result }: ProgramRule, skipped: readonly ProgramRule[], removals: readonly RuleRemoval[]): boolean {
  return removals.every(
    ({ rules, targets }) =>
      targets !== null || !rules(result.rule) || skipped.every((other) => rules(other.result.rule)),
  );
}

/** If it does anything when it holds, it skips. */
function isSilent(rule: ProgramRule): boolean {
  const writes = rule.linked.links.some(({ actions }) => actions.some(({ name }) => name.toLowerCase() === 'setvar'));
  return isQuiet(rule) && !writes;
}

/** Nobody is told what it found. */
function isUnseen(rule: ProgramRule): boolean {
  const [link, ...rest] = rule.linked.links as [RuleLink, ...RuleLink[]];
  const tells = link.actions.some(({ name, value }) => name.toLowerCase() === 'capture' || namesMatch(value));
  return isQuiet(rule) && rest.length === 0 && link.operator !== null && !tells;
}

function isQuiet({ result: { rule } }: ProgramRule): boolean {
  return !rule.logged && !rule.audited && rule.disruption === null && rule.severity === -1;
}

/** Looks at what rules before it left in MATCHED_VAR and its kind, so that an idle one would be missed. */
function seesFormerMatch({ links }: LinkedRule): boolean {
  const [first, ...rest] = links as [RuleLink, ...RuleLink[]];
  if (first.operator === null)
    return [first, ...rest].some(({ actions }) => actions.some(({ value }) => namesMatch(value)));
  return first.variables.some(({ name }) => name.startsWith('MATCHED_VAR')) || namesMatch(first.operator.parameter);
}

const namesMatch = (text: string | null): boolean => /%\{matched_var/i.test(text ?? '');
