import type { ByteText } from '../../../src/base/byte-text.ts';
import { linkRules } from '../../../src/waf/seclang/link.ts';
import { parseRules } from '../../../src/waf/seclang/parse.ts';
import { describeProblem, type SecLangProblem } from '../../../src/waf/seclang/reason.ts';
import { recordedRuleFiles } from '../../../src/waf/seclang/rule-files.ts';
import type { Directive, LinkedRule, RuleProgram } from '../../../src/waf/seclang/syntax.ts';

/** Reads one text as the file `a.conf`. */
export function parsed(text: ByteText): { directives: readonly Directive[]; problems: readonly SecLangProblem[] } {
  return parseRules(recordedRuleFiles(new Map([['a.conf', text]])), ['a.conf']);
}

/** Reads and links; faults as people see them. */
export function loaded(text: ByteText): { program: RuleProgram; rules: LinkedRule[]; faults: string[] } {
  const { directives, problems } = parsed(text);
  const linked = linkRules(directives);
  const rules = linked.program.items.filter((item) => item.kind === 'rule');
  return { program: linked.program, rules, faults: [...problems, ...linked.problems].map(describeProblem) };
}

/** `log,t:lowercase,msg:words`: actions of a link, values without quotes. */
export function actionsOf(rule: LinkedRule | undefined, link = 0): string {
  const actions = rule?.links[link]?.actions ?? [];
  return actions.map(({ name, value }) => (value === null ? name : `${name}:${value}`)).join(',');
}
