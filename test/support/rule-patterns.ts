import { readdirSync, readFileSync } from 'node:fs';
import type { ByteText } from '../../src/base/byte-text.ts';

/** An operator of a rule as it stands in a file. */
export interface RuleOperator {
  readonly name: string;
  readonly parameter: ByteText;
}

/** @param folder  With rule files. @returns  The operators of all rules in them, in order; comments left out. */
export function operatorsOfRules(folder: string): RuleOperator[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.conf'))
    .sort()
    .flatMap((file) => operatorsOf(readFileSync(`${folder}/${file}`, 'latin1')));
}

function operatorsOf(text: string): RuleOperator[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const rules = lines.matchAll(/^\s*SecRule\s+(?:"[^"]*"|\S+)\s+"!?@(\w+) ?((?:[^"\\]|\\.)*)"/gm);
  return Array.from(rules, ([, name = '', parameter = '']) => ({ name, parameter: parameter.replaceAll('\\"', '"') }));
}
