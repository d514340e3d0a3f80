// hot path: synchronous, never throws

import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { compileCandidates } from './candidates.ts';
import { allSame, digitsOf } from './digits.ts';
import { clausesOfRulePattern } from './patterns.ts';

/** `@verifySSN pattern`: a match of the pattern could be a social security number of the United States. */
export const verifySSN: OperatorWord = {
  name: 'verifySSN',
  needs: clausesOfRulePattern,
  compile: (parameter) => compileCandidates(parameter, isSocialSecurityNumber),
};

/** Areas from here on were given out since 2011 only; ModSecurity knows none of them. */
const AREAS_END = 740;

/** Nine digits: area, group and serial, none of them zero, no area 666; neither all the same nor counting upwards. */
export function isSocialSecurityNumber(text: ByteText): boolean {
  const digits = digitsOf(text);
  if (digits.length !== 9 || allSame(digits)) return false;
  if (digits.every((digit, index) => digit === (digits[0] as number) + index)) return false;
  const number = Number(digits.join(''));
  const area = Math.floor(number / 1_000_000);
  const group = Math.floor(number / 10_000) % 100;
  const serial = number % 10_000;
  return area > 0 && area < AREAS_END && area !== 666 && group > 0 && serial > 0;
}
