import type { ByteText } from '../../base/byte-text.ts';
import { type ByteMatch, type BytePattern, compileBytePattern, compileByteSearch } from '../../base/regex.ts';
import { type Clause, clausesOfPattern } from '../gate/clauses.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { type PatternNode, readPattern } from './pcre-syntax.ts';
import { re2SourceOf } from './re2-source.ts';

/**
 * A pattern of a rule, in PCRE's syntax, for RE2.
 *
 * @param translated  What translatePattern makes of it.
 * @throws  SecLangReason: no pattern, one that needs backtracking, or one that is too large for RE2.
 */
export function compileRulePattern(source: ByteText, translated = translatePattern(source)): BytePattern {
  return handedToRe2(translated, compileBytePattern);
}

/** The same, looked for again behind a match. */
export function compileRuleSearch(
  source: ByteText,
  translated = translatePattern(source),
): (encoded: Buffer, from: number) => ByteMatch | null {
  return handedToRe2(translated, compileByteSearch);
}

/** In RE2's syntax. @throws  SecLangReason as readPattern. */
export function translatePattern(source: ByteText): ByteText {
  return re2SourceOf(patternOf(source));
}

/** What a value must hold for the pattern to match. */
export function clausesOfRulePattern(source: ByteText): readonly Clause[] {
  return clausesOfPattern(patternOf(source));
}

/** The last one that was read: it is asked for what it needs behind being compiled. */
let last: { readonly source: ByteText; readonly node: PatternNode } | null = null;

function patternOf(source: ByteText): PatternNode {
  if (last?.source !== source) last = { source, node: readPattern(source) };
  return last.node;
}

function handedToRe2<T>(re2Source: ByteText, compile: (re2Source: ByteText) => T): T {
  try {
    return compile(re2Source);
  } catch (error) {
    // SyntaxError, also where the program would be too large.
    throw new SecLangReason(`RE2 cannot take the pattern: ${error instanceof Error ? error.message : String(error)}`);
  }
}
