import type { OperatorWord } from './operator.ts';
import { beginsWith } from './operators/begins-with.ts';
import { contains } from './operators/contains.ts';
import { containsWord } from './operators/contains-word.ts';
import { detectSqli } from './operators/detect-sqli.ts';
import { detectXss } from './operators/detect-xss.ts';
import { endsWith } from './operators/ends-with.ts';
import { eq } from './operators/eq.ts';
import { ge } from './operators/ge.ts';
import { gt } from './operators/gt.ts';
import { ipMatch } from './operators/ip-match.ts';
import { ipMatchF, ipMatchFromFile } from './operators/ip-match-from-file.ts';
import { le } from './operators/le.ts';
import { lt } from './operators/lt.ts';
import { noMatch } from './operators/no-match.ts';
import { pm } from './operators/pm.ts';
import { pmFromFile, pmf } from './operators/pm-from-file.ts';
import { rx } from './operators/rx.ts';
import { rxGlobal } from './operators/rx-global.ts';
import { streq } from './operators/streq.ts';
import { strmatch } from './operators/strmatch.ts';
import { unconditionalMatch } from './operators/unconditional-match.ts';
import { UNSUPPORTED_OPERATORS } from './operators/unsupported.ts';
import { validateByteRange } from './operators/validate-byte-range.ts';
import { validateNid } from './operators/validate-nid.ts';
import { validateUrlEncoding } from './operators/validate-url-encoding.ts';
import { validateUtf8Encoding } from './operators/validate-utf8-encoding.ts';
import { verifyCC } from './operators/verify-cc.ts';
import { verifyCPF } from './operators/verify-cpf.ts';
import { verifySSN } from './operators/verify-ssn.ts';
import { verifySVNR } from './operators/verify-svnr.ts';
import { within } from './operators/within.ts';

/** Every operator that can be used. */
export const OPERATORS: readonly OperatorWord[] = [
  beginsWith,
  contains,
  containsWord,
  detectSqli,
  detectXss,
  endsWith,
  eq,
  ge,
  gt,
  ipMatch,
  ipMatchF,
  ipMatchFromFile,
  le,
  lt,
  noMatch,
  pm,
  pmf,
  pmFromFile,
  rx,
  rxGlobal,
  streq,
  strmatch,
  unconditionalMatch,
  validateByteRange,
  validateNid,
  validateUrlEncoding,
  validateUtf8Encoding,
  verifyCC,
  verifyCPF,
  verifySSN,
  verifySVNR,
  within,
];

/** Names that may be meant by others: those of operators that can be used. */
export const OPERATOR_NAMES: readonly string[] = OPERATORS.map(({ name }) => name);

const BY_NAME: ReadonlyMap<string, OperatorWord> = new Map(
  [...OPERATORS, ...UNSUPPORTED_OPERATORS].map((word) => [word.name.toLowerCase(), word]),
);

/**
 * @param name  In any case, without the at sign.
 * @returns  The operator; one whose `compile` says why it is refused, for words of SecLang that are not supported;
 *           undefined for a word that SecLang does not have.
 */
export function operatorNamed(name: string): OperatorWord | undefined {
  return BY_NAME.get(name.toLowerCase());
}
