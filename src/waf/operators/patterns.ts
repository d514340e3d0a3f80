import type { ByteText } from '../../base/byte-text.ts';
import { type ByteMatch, type BytePattern, compileBytePattern, compileByteSearch } from '../../base/regex.ts';
import { type Clause, clausesOfPattern } from '../gate/clauses.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { readPattern } from './pcre-syntax.ts';
import { re2SourceOf } from './re2-source.ts';

/**
 * A pattern of a rule, in PCRE's syntax, for RE2.
 *
 * @throws  SecLangReason: no pattern, one that needs backtracking, or one that is too large for RE2.
 */
export function compileRulePattern(source: ByteText): BytePattern {
  return handedToRe2(source, compileBytePattern);
}

/** The same, looked for again behind a match. */
export function compileRuleSearch(source: ByteText): (encoded: Buffer, from: number) => ByteMatch | null {
  return handedToRe2(source, compileByteSearch);
}

/** What a value must hold for the pattern to match. */
export function clausesOfRulePattern(source: ByteText): readonly Clause[] {
  return clausesOfPattern(readPattern(source));
}

function handedToRe2<T>(source: ByteText, compile: (re2Source: string) => T): T {
  const re2Source = re2SourceOf(readPattern(source));
  try {
    return compile(re2Source);
  } catch (error) {
    // SyntaxError, also where the program would be too large.
    throw new SecLangReason(`RE2 cannot take the pattern: ${error instanceof Error ? error.message : String(error)}`);
  }
}
