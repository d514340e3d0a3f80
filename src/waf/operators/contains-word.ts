// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';
import { searchFor } from './text-search.ts';

/** `@containsWord`: the parameter occurs in the value with no ASCII letter beside it. Digits and `_` part words. */
export const containsWord: OperatorWord = {
  name: 'containsWord',
  needs: (parameter) => clausesOfTexts([parameter]),
  compile: (parameter) => {
    if (parameter === '') return () => true;
    const holdsWord = searchFor(parameter, (text, at) => {
      return !isLetter(text.charCodeAt(at - 1)) && !isLetter(text.charCodeAt(at + parameter.length));
    });
    return (value) => holdsWord(value.text);
  },
};

/** NaN, beyond the ends, is none. */
function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
