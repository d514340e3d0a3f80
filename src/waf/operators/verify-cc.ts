// hot path: synchronous, never throws

import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { compileCandidates } from './candidates.ts';
import { digitsOf } from './digits.ts';
import { clausesOfRulePattern } from './patterns.ts';

/** `@verifyCC pattern`: a match of the pattern is a credit card number by its check digit. */
export const verifyCC: OperatorWord = {
  name: 'verifyCC',
  needs: clausesOfRulePattern,
  compile: (parameter) => compileCandidates(parameter, isCardNumber),
};

/** Source: Luhn's formula, ISO/IEC 7812-1 annex B: from the right, each second digit counts twice, digit by digit. */
function isCardNumber(text: ByteText): boolean {
  const digits = digitsOf(text);
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = digits[digits.length - 1 - i] as number;
    const doubled = 2 * digit;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 0 && sum % 10 === 0;
}
