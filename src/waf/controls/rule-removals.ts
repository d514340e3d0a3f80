import type { ByteText } from '../../base/byte-text.ts';
import { selectorOf } from '../compile-targets.ts';
import type { ControlWord } from '../control.ts';
import { byIds, type RuleSelector, type TargetSelector } from '../removals.ts';
import type { CompiledRule } from '../rule.ts';
import { idRangesOf } from '../seclang/ids.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { parseVariables } from '../seclang/variables.ts';

/** What rules a ctl can be about: `ById`, `ByTag`, `ByMsg`. Tags and messages are compared as they stand. */
const SELECTORS: Readonly<Record<string, (value: ByteText) => RuleSelector>> = {
  ById: (value) => byIds(idRangesOf(value)),
  ByTag: (value) => (rule) => rule.tags.includes(value),
  ByMsg: (value) => (rule) => rule.message?.constant === value,
};

/** What one `ctl` takes out of a request: rules, or targets of rules. */
export interface RuleRemoval {
  readonly rules: RuleSelector;
  /** Null: the rules themselves. */
  readonly targets: readonly TargetSelector[] | null;
}

/** Reads the value of a `ctl`. @returns  Null for one that removes nothing. @throws  SecLangReason. */
export function removalOf(control: ByteText): RuleRemoval | null {
  const [, target, by = '', value = ''] = /^ruleRemove(Target)?(By(?:Id|Tag|Msg))=(.*)$/is.exec(control) ?? [];
  const select = Object.entries(SELECTORS).find(([known]) => known.toLowerCase() === by.toLowerCase())?.[1];
  if (select === undefined) return null;
  if (target === undefined) return { rules: select(value), targets: null };
  const semicolon = value.indexOf(';');
  if (semicolon === -1) throw new SecLangReason(`ctl:ruleRemoveTarget${by}=${value} is not of the form rules;TARGET`);
  return {
    rules: select(value.slice(0, semicolon)),
    targets: parseVariables(value.slice(semicolon + 1)).map(selectorOf),
  };
}

/** Asks once of each rule. */
function asked(select: RuleSelector): RuleSelector {
  const known = new WeakMap<CompiledRule, boolean>();
  return (rule) => {
    const before = known.get(rule);
    if (before !== undefined) return before;
    const isSelected = select(rule);
    known.set(rule, isSelected);
    return isSelected;
  };
}

const compileRemoval = (name: string): ControlWord => ({
  name,
  compile: (value) => {
    const words = `${name}=${value}`;
    const { rules: select, targets } = removalOf(words) as RuleRemoval;
    const rules = asked(select);
    if (targets === null) return (state) => state.removals.removeRules(words, rules);
    return (state) => state.removals.removeTargets(words, rules, targets);
  },
});

/**
 * `ctl:ruleRemoveById=942100`, `ByTag`, `ByMsg`: the rules do not run for this request.
 * `ctl:ruleRemoveTargetById=942100;ARGS:text`, `ByTag`, `ByMsg`: the rules do not look there for this request.
 */
export const REMOVALS: readonly ControlWord[] = ['ruleRemove', 'ruleRemoveTarget'].flatMap((what) =>
  Object.keys(SELECTORS).map((by) => compileRemoval(`${what}${by}`)),
);
