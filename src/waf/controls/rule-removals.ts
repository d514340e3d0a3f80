import type { ByteText } from '../../base/byte-text.ts';
import { selectorOf } from '../compile-targets.ts';
import type { ControlWord } from '../control.ts';
import { byIds, type RuleSelector } from '../removals.ts';
import { idRangesOf } from '../seclang/ids.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { parseVariables } from '../seclang/variables.ts';

/** What rules a ctl can be about: `ById`, `ByTag`, `ByMsg`. Tags and messages are compared as they stand. */
const SELECTORS: Readonly<Record<string, (value: ByteText) => RuleSelector>> = {
  ById: (value) => byIds(idRangesOf(value)),
  ByTag: (value) => (rule) => rule.tags.includes(value),
  ByMsg: (value) => (rule) => rule.message?.constant === value,
};

/** `ctl:ruleRemoveById=942100`, `ByTag`, `ByMsg`: the rules do not run for this request. */
const RULE_REMOVALS: readonly ControlWord[] = Object.entries(SELECTORS).map(([by, select]) => ({
  name: `ruleRemove${by}`,
  compile: (value) => {
    const rules = select(value);
    const words = `ruleRemove${by}=${value}`;
    return (state) => state.removals.removeRules(words, rules);
  },
}));

/** `ctl:ruleRemoveTargetById=942100;ARGS:text`, `ByTag`, `ByMsg`: the rules do not look there for this request. */
const TARGET_REMOVALS: readonly ControlWord[] = Object.entries(SELECTORS).map(([by, select]) => ({
  name: `ruleRemoveTarget${by}`,
  compile: (value) => {
    const semicolon = value.indexOf(';');
    if (semicolon === -1) {
      throw new SecLangReason(`ctl:ruleRemoveTarget${by}=${value} is not of the form rules;TARGET`);
    }
    const rules = select(value.slice(0, semicolon));
    const targets = parseVariables(value.slice(semicolon + 1)).map(selectorOf);
    const words = `ruleRemoveTarget${by}=${value}`;
    return (state) => state.removals.removeTargets(words, rules, targets);
  },
}));

export const REMOVALS: readonly ControlWord[] = [...RULE_REMOVALS, ...TARGET_REMOVALS];
