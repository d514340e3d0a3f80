// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';

/**
 * What a token of SQL is: the code of its letter in fingerprints, which are those of libinjection, so that logs and
 * exclusions written for it stay true. `none` is no token.
 */
export const KIND = {
  none: 0,
  keyword: 0x6b, // k
  union: 0x55, // U: UNION, EXCEPT, INTERSECT
  group: 0x42, // B: GROUP BY, ORDER BY, HAVING, LIMIT
  expression: 0x45, // E: SELECT, CASE, INSERT and what else begins an expression
  type: 0x74, // t: name of a data type or character set
  statement: 0x54, // T: statements of Transact-SQL
  function: 0x66, // f
  name: 0x6e, // n: any other word
  variable: 0x76, // v
  string: 0x73, // s
  number: 0x31, // 1
  operator: 0x6f, // o
  logic: 0x26, // &
  comment: 0x63, // c
  collate: 0x41, // A
  open: 0x28,
  close: 0x29,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  comma: 0x2c,
  dot: 0x2e,
  colon: 0x3a,
  semicolon: 0x3b,
  backslash: 0x5c,
  evil: 0x58, // X: what databases read differently, used to hide
  unknown: 0x3f, // ?
} as const;

/** Bytes of a token that are looked at: longer than any word of SQL. */
export const TOKEN_LENGTH_MAX = 31;

/** A slot that tokens are read into, one after the other. */
export class Token {
  kind = 0;
  /** Offset of its content in the value: of a string, behind the quote. */
  start = 0;
  /** Bytes of content, at most TOKEN_LENGTH_MAX. */
  length = 0;
  /** Words that were joined: their text, which is not in the value as such. */
  joined: ByteText | null = null;
  /** Code of the quote that opens a string, 0 where it began before the value. */
  openedBy = 0;
  /** Code of the quote that closes a string, 0 where the value ended first. */
  closedBy = 0;
  /** At signs before a variable, which its content leaves out. */
  signs = 0;

  fill(kind: number, start: number, end: number): void {
    this.kind = kind;
    this.start = start;
    const length = end - start;
    this.length = length < TOKEN_LENGTH_MAX ? length : TOKEN_LENGTH_MAX;
    this.joined = null;
    this.openedBy = 0;
    this.closedBy = 0;
    this.signs = 0;
  }

  copy(from: Token): void {
    this.kind = from.kind;
    this.start = from.start;
    this.length = from.length;
    this.joined = from.joined;
    this.openedBy = from.openedBy;
    this.closedBy = from.closedBy;
    this.signs = from.signs;
  }

  /** @param text  The value that the token was read from. */
  contentOf(text: ByteText): ByteText {
    return this.joined ?? text.slice(this.start, this.start + this.length);
  }

  /** Code of a byte of its content; NaN past the end of the value. */
  byteAt(text: ByteText, index: number): number {
    return this.joined === null ? text.charCodeAt(this.start + index) : this.joined.charCodeAt(index);
  }
}
