import { dirname, resolve } from 'node:path';
import type { ByteText } from '../../../../src/base/byte-text.ts';
import type { Clause } from '../../../../src/waf/gate/clauses.ts';
import { operatorNamed } from '../../../../src/waf/operators.ts';
import { linkRules } from '../../../../src/waf/seclang/link.ts';
import { parseRules } from '../../../../src/waf/seclang/parse.ts';
import { diskRuleFiles } from '../../../../src/waf/seclang/rule-files.ts';

/** What the gate knows of a rule set: the clauses of its operators, as the engine has them. */
export function clausesOfRules(folder: string): readonly Clause[] {
  const files = diskRuleFiles();
  const { directives } = parseRules(files, files.expand(`${folder}/rules/*.conf`, ''));
  const clauses: Clause[] = [];
  for (const item of linkRules(directives).program.items) {
    if (item.kind !== 'rule') continue;
    for (const { operator, place } of item.links) {
      // A parameter with macros has no gate.
      if (operator === null || operator.parameter.includes('%{')) continue;
      const readData = (path: string) => files.read(resolve(dirname(place.file), path));
      clauses.push(...(operatorNamed(operator.name)?.needs?.(operator.parameter, { readData }) ?? []));
    }
  }
  return clauses;
}

/** All literals, each once, in the order of the rules: folded bytes stand for themselves. */
export function literalsOf(clauses: readonly Clause[]): readonly ByteText[] {
  return [...new Set(clauses.flatMap(({ literals }) => literals))];
}

/** Few literals that meet every clause that has any: the one that meets most goes first. */
export function literalsThatMeetAll(clauses: readonly Clause[]): readonly ByteText[] {
  const left = new Map<ByteText, Set<Clause>>();
  for (const clause of clauses) {
    for (const literal of clause.literals) left.set(literal, (left.get(literal) ?? new Set()).add(clause));
  }
  const chosen: ByteText[] = [];
  for (;;) {
    let [best, most] = ['', 0];
    for (const [literal, { size }] of left) if (size > most) [best, most] = [literal, size];
    const met = left.get(best);
    if (met === undefined || most === 0) return chosen;
    chosen.push(best);
    for (const set of left.values()) if (set !== met) for (const clause of met) set.delete(clause);
    left.delete(best);
  }
}
