// hot path: synchronous, never throws

import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { compileCandidates } from './candidates.ts';
import { allSame, digitsOf, weighted } from './digits.ts';
import { clausesOfRulePattern } from './patterns.ts';

/** `@verifyCPF pattern`: a match of the pattern is a Brazilian taxpayer number (CPF) by its check digits. */
export const verifyCPF: OperatorWord = {
  name: 'verifyCPF',
  needs: clausesOfRulePattern,
  compile: (parameter) => compileCandidates(parameter, isCpf),
};

/** Eleven digits; the last two check those before them, modulo 11. */
function isCpf(text: ByteText): boolean {
  const digits = digitsOf(text);
  if (digits.length !== 11 || allSame(digits)) return false;
  const first = checkDigit(weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]));
  const second = checkDigit(weighted(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
  return digits[9] === first && digits[10] === second;
}

function checkDigit(sum: number): number {
  const rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}
