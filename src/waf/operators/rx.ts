import type { OperatorWord } from '../operator.ts';
import type { Captures } from '../value.ts';
import { clausesOfRulePattern, compileRulePattern, translatePattern } from './patterns.ts';

/** TX.0 to TX.9. */
const CAPTURES_MAX = 10;

/** `@rx`: the pattern matches somewhere in the value. Captures: the match and its groups, '' for one without a part. */
export const rx: OperatorWord = {
  name: 'rx',
  needs: clausesOfRulePattern,
  translate: translatePattern,
  compile: (parameter, { translated }) => {
    const pattern = compileRulePattern(parameter, translated);
    return (value, captures) => {
      if (captures === null) return pattern.matches(value.encoded);
      const groups = pattern.find(value.encoded);
      if (groups !== null) keepGroups(captures, groups);
      return groups !== null;
    };
  },
};

export function keepGroups(captures: Captures, groups: readonly string[]): void {
  const count = Math.min(groups.length, CAPTURES_MAX);
  for (let index = 0; index < count; index += 1) captures.set(index, groups[index] as string);
}
