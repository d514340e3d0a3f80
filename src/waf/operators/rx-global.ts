import type { OperatorWord } from '../operator.ts';
import type { Captures } from '../value.ts';
import { afterByte } from './candidates.ts';
import { clausesOfRulePattern, compileRulePattern, compileRuleSearch, translatePattern } from './patterns.ts';
import { keepGroups } from './rx.ts';

/** `@rxGlobal`: as `@rx`; captures are those of the last match, since each match writes TX.0 to TX.9 anew. */
export const rxGlobal: OperatorWord = {
  name: 'rxGlobal',
  needs: clausesOfRulePattern,
  translate: translatePattern,
  compile: (parameter, { translated }) => {
    const pattern = compileRulePattern(parameter, translated);
    const search = compileRuleSearch(parameter, translated);
    return (value, captures) => {
      const matches = pattern.matches(value.encoded);
      if (matches && captures !== null) keepAll(search, value.encoded, captures);
      return matches;
    };
  },
};

function keepAll(search: ReturnType<typeof compileRuleSearch>, encoded: Buffer, captures: Captures): void {
  let match = search(encoded, 0);
  while (match !== null) {
    keepGroups(captures, match.groups);
    match = search(encoded, match.end > match.start ? match.end : afterByte(encoded, match.end));
  }
}
