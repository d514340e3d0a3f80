import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { compileCandidates } from './candidates.ts';
import { digitsOf } from './digits.ts';
import { isSocialSecurityNumber } from './verify-ssn.ts';

/** `@validateNid cl pattern`: a match of the pattern is a national number: `cl` Chile, `us` the United States. */
export const validateNid: OperatorWord = {
  name: 'validateNid',
  compile: (parameter) => {
    const found = /^([a-z]+) +(.*)$/s.exec(parameter);
    const check = CHECKS.get(found?.[1] ?? '');
    if (check === undefined) {
      throw new SecLangReason(`@validateNid begins with a country, ${[...CHECKS.keys()].join(' or ')}, then a pattern`);
    }
    return compileCandidates(found?.[2] as string, check);
  },
};

const CHECKS: ReadonlyMap<string, (text: ByteText) => boolean> = new Map([
  ['cl', isRut],
  ['us', isSocialSecurityNumber],
]);

/** Seven or eight digits and one that checks them modulo 11, K for ten. Source: Rol Único Tributario. */
function isRut(text: ByteText): boolean {
  const kept = text.replace(/[^0-9kK]/g, '').toUpperCase();
  if (!/^[0-9]{7,8}[0-9K]$/.test(kept)) return false;
  const sum = digitsOf(kept.slice(0, -1))
    .reverse()
    .reduce((total, digit, index) => total + digit * (2 + (index % 6)), 0);
  const check = (11 - (sum % 11)) % 11;
  return kept.at(-1) === (check === 10 ? 'K' : String(check));
}
