// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { BINARY_DIGIT, BLANK, HEX_DIGIT, isMarked, SPACE, skipMarked } from './characters.ts';
import { readBlockComment, readLineComment } from './read-comment.ts';
import { readDollar, readNumber, readQuotedNumber } from './read-number.ts';
import { readBackslash, readOperator, readSingle } from './read-operator.ts';
import { readOracleString, readPrefixedString, readQuoted, readUnicodeString } from './read-string.ts';
import { readVariable } from './read-variable.ts';
import { readBackticked, readBracketed, readWord } from './read-word.ts';
import { KIND, type Token } from './token.ts';

/** Reads the tokens of a value as one database, in one place of its statement, would. */
export class Tokenizer {
  text: ByteText = '';
  /** Tokens read, folded ones and comments counted. */
  count = 0;
  /** MySQL would have read otherwise what was read here: `#`, or two dashes with no space behind them. */
  isReadOtherwise = false;
  #at = 0;
  #quote = '';
  #isMysql = false;

  /**
   * @param quote  The quote inside which the value stands: it begins with a string. Empty for none.
   * @param isMysql  Comments of MySQL, where `#` begins one and `--` needs space behind it; else of the standard.
   */
  start(text: ByteText, quote: string, isMysql: boolean): void {
    this.text = text;
    this.count = 0;
    this.isReadOtherwise = false;
    this.#at = 0;
    this.#quote = quote;
    this.#isMysql = isMysql;
  }

  /** @returns  False where there is none; the token is then of no kind. */
  next(token: Token): boolean {
    const { text } = this;
    if (this.#at === 0 && this.#quote !== '' && text.length > 0) {
      this.count += 1;
      this.#at = readQuoted(text, 0, this.#quote, 0, token);
      return true;
    }
    const at = skipMarked(text, this.#at, BLANK);
    if (at === text.length) {
      this.#at = at;
      token.fill(KIND.none, at, at);
      return false;
    }
    this.count += 1;
    this.#at = this.#read(at, token);
    return true;
  }

  #read(at: number, token: Token): number {
    const { text } = this;
    const code = text.charCodeAt(at);
    switch (READERS[code]) {
      case DIGITS:
        return readNumber(text, at, token);
      case PREFIX:
        return readPrefixed(text, at, code | 0x20, token);
      case QUOTE:
        return readQuoted(text, at + 1, text[at] as string, code, token);
      case PUNCTUATION:
        return readSingle(code, at, token);
      case ARITHMETIC:
        return readSingle(KIND.operator, at, token);
      case OPERATOR:
        return readOperator(text, at, token);
      case UNKNOWN:
        return readSingle(KIND.unknown, at, token);
      case DASH:
        return this.#readDash(at, token);
      case HASH:
        return this.#readHash(at, token);
      case SLASH:
        return text[at + 1] === '*' ? readBlockComment(text, at, token) : readSingle(KIND.operator, at, token);
      case DOLLAR:
        return readDollar(text, at, token);
      case VARIABLE:
        return readVariable(text, at, token);
      case BACKTICK:
        return readBackticked(text, at, token);
      case BRACKET:
        return readBracketed(text, at, token);
      case BACKSLASH:
        return readBackslash(text, at, token);
      default:
        return readWord(text, at, token);
    }
  }

  /** Two dashes are a comment before space or at the end, and in standard SQL anywhere. */
  #readDash(at: number, token: Token): number {
    const { text } = this;
    if (text[at + 1] !== '-') return readSingle(KIND.operator, at, token);
    if (at + 2 === text.length || isMarked(text.charCodeAt(at + 2), SPACE)) return readLineComment(text, at, token);
    if (this.#isMysql) return readSingle(KIND.operator, at, token);
    this.isReadOtherwise = true;
    return readLineComment(text, at, token);
  }

  /** A comment of MySQL; an operator of PostgreSQL. */
  #readHash(at: number, token: Token): number {
    this.isReadOtherwise = true;
    return this.#isMysql ? readLineComment(this.text, at, token) : readSingle(KIND.operator, at, token);
  }
}

/** A letter that may stand before a quote: `x'1F'`, `b'01'`, `e''`, `n''`, `q''`, `nq''`, `u&''`. */
function readPrefixed(text: ByteText, at: number, letter: number, token: Token): number {
  let end = -1;
  if (letter === 0x78) end = readQuotedNumber(text, at, HEX_DIGIT, token);
  else if (letter === 0x62) end = readQuotedNumber(text, at, BINARY_DIGIT, token);
  else if (letter === 0x65) end = readPrefixedString(text, at, token);
  else if (letter === 0x75) end = readUnicodeString(text, at, token);
  else if (letter === 0x71) end = readOracleString(text, at, token);
  else {
    end = readPrefixedString(text, at, token);
    if (end === -1) end = readOracleString(text, at + 1, token);
  }
  return end === -1 ? readWord(text, at, token) : end;
}

const DIGITS = 1;
const PREFIX = 2;
const QUOTE = 3;
const PUNCTUATION = 4;
const ARITHMETIC = 5;
const OPERATOR = 6;
const UNKNOWN = 7;
const DASH = 8;
const HASH = 9;
const SLASH = 10;
const DOLLAR = 11;
const VARIABLE = 12;
const BACKTICK = 13;
const BRACKET = 14;
const BACKSLASH = 15;

/** What reads a token that begins with this byte; 0 for words. */
const READERS = new Uint8Array(256);
for (const [bytes, reader] of [
  ['0123456789.', DIGITS],
  ['bBeEnNqQuUxX', PREFIX],
  ['"\'', QUOTE],
  ['(),;{}', PUNCTUATION],
  ['%+^~', ARITHMETIC],
  ['!&*:<=>|', OPERATOR],
  ['?]', UNKNOWN],
  ['-', DASH],
  ['#', HASH],
  ['/', SLASH],
  ['$', DOLLAR],
  ['@', VARIABLE],
  ['`', BACKTICK],
  ['[', BRACKET],
  ['\\', BACKSLASH],
] as const) {
  for (let i = 0; i < bytes.length; i += 1) READERS[bytes.charCodeAt(i)] = reader;
}
