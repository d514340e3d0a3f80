// hot path: synchronous, never throws

import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { compileCandidates } from './candidates.ts';
import { allSame, digitsOf, weighted } from './digits.ts';
import { clausesOfRulePattern } from './patterns.ts';

/** `@verifySVNR pattern`: a match of the pattern is an Austrian social security number by its check digit. */
export const verifySVNR: OperatorWord = {
  name: 'verifySVNR',
  needs: clausesOfRulePattern,
  compile: (parameter) => compileCandidates(parameter, isSvnr),
};

/** Ten digits, the first not zero; the fourth checks the others, modulo 11. */
function isSvnr(text: ByteText): boolean {
  const digits = digitsOf(text);
  if (digits.length !== 10 || allSame(digits) || digits[0] === 0) return false;
  return weighted(digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === digits[3];
}
