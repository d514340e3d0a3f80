import RE2 from 're2';
import type { ByteText } from './byte-text.ts';

/** A regular expression from a configuration: linear in the text it looks at, whatever the pattern. */
export interface Pattern {
  /** Does the whole text match? Never throws. */
  matchesWhole(text: string): boolean;
}

/**
 * Compiles a pattern in RE2's syntax (no look-around, no back references).
 *
 * @throws  SyntaxError with RE2's words.
 */
export function compilePattern(source: string): Pattern {
  // By itself first: `a)|(b` would come out of the group around it.
  new RE2(source, 'u');
  const whole = new RE2(`^(?:${source})$`, 'us');
  // Buffers cost a quarter of strings in re2 1.24.
  return { matchesWhole: (text) => whole.test(Buffer.from(text, 'utf8')) };
}

/** A pattern over bytes: one code point, U+0000 to U+00FF, stands for each byte of pattern and value. */
export interface BytePattern {
  /** @param encoded  UTF-8 of those code points. RE2 would silently not match what is not UTF-8. Never throws. */
  matches(encoded: Buffer): boolean;
  /** The whole match and its groups, '' for a group that took no part; null without a match. Never throws. */
  find(encoded: Buffer): readonly ByteText[] | null;
}

/**
 * Compiles a pattern over bytes: `.` takes line ends too, `^` and `$` are the ends of the value.
 *
 * @param source  Byte text in RE2's syntax.
 * @throws  SyntaxError with RE2's words.
 */
export function compileBytePattern(source: ByteText): BytePattern {
  const pattern = new RE2(source, 'us');
  return {
    matches: (encoded) => pattern.test(encoded),
    find: (encoded) => {
      // An array, though its type forgets the length.
      const found = pattern.exec(encoded) as unknown as ArrayLike<Buffer | undefined> | null;
      return found === null ? null : Array.from(found, (group) => group?.toString('utf8') ?? '');
    },
  };
}

/** Where a pattern matches in an encoded value. */
export interface ByteMatch {
  /** Offsets in the encoded buffer. */
  readonly start: number;
  readonly end: number;
  /** The whole match and its groups, as `find` gives them. */
  readonly groups: readonly ByteText[];
}

/**
 * Compiles a pattern over bytes that is looked for from any offset on; what is before the offset still counts for `^`
 * and `\b`.
 *
 * @returns  The first match that begins at `from` or later, null for none. Never throws.
 * @throws  SyntaxError with RE2's words.
 */
export function compileByteSearch(source: ByteText): (encoded: Buffer, from: number) => ByteMatch | null {
  const pattern = new RE2(source, 'usg');
  return (encoded, from) => {
    if (from > encoded.length) return null;
    pattern.lastIndex = from;
    const found = pattern.exec(encoded) as unknown as (ArrayLike<Buffer | undefined> & { index: number }) | null;
    if (found === null) return null;
    const groups = Array.from(found, (group) => group?.toString('utf8') ?? '');
    return { start: found.index, end: found.index + (found[0]?.length ?? 0), groups };
  };
}
