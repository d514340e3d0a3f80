// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { BINARY_DIGIT, DIGIT, HEX_DIGIT, isMarked, LETTER, MONEY, SPACE, skipMarked } from './characters.ts';
import { readDollarString } from './read-string.ts';
import { readWord } from './read-word.ts';
import { KIND, type Token } from './token.ts';

const APOSTROPHE = 0x27;
const DOT = 0x2e;
const SEMICOLON = 0x3b;
const DOLLAR = 0x24;

/** What begins with a digit or a dot: `12`, `1.5e-3`, `0x1F`, `0b01`, Oracle's `1.5d`; or a dot alone. */
export function readNumber(text: ByteText, at: number, token: Token): number {
  if (text.charCodeAt(at) === 0x30) {
    const radix = text.charCodeAt(at + 1) | 0x20;
    if (radix === 0x78) return readRadix(text, at, HEX_DIGIT, token);
    if (radix === 0x62) return readRadix(text, at, BINARY_DIGIT, token);
  }
  let end = skipMarked(text, at, DIGIT);
  if (text.charCodeAt(end) === DOT) {
    end = skipMarked(text, end + 1, DIGIT);
    if (end === at + 1) {
      token.fill(KIND.dot, at, end);
      return end;
    }
  }
  let isWhole = true;
  if ((text.charCodeAt(end) | 0x20) === 0x65) {
    end += 1;
    const sign = text.charCodeAt(end);
    if (sign === 0x2b || sign === 0x2d) end += 1;
    const exponent = end;
    end = skipMarked(text, end, DIGIT);
    isWhole = end > exponent;
  }
  if (hasSuffix(text, end)) end += 1;
  token.fill(isWhole ? KIND.number : KIND.name, at, end);
  return end;
}

/** `0x` without digits is a name, as MySQL has it. */
function readRadix(text: ByteText, at: number, digits: number, token: Token): number {
  const end = skipMarked(text, at + 2, digits);
  token.fill(end === at + 2 ? KIND.name : KIND.number, at, end);
  return end;
}

/** Oracle's mark of a float or double: `1f`, `1d;`, and `1fUNION`, which it takes too. */
function hasSuffix(text: ByteText, at: number): boolean {
  const suffix = text.charCodeAt(at) | 0x20;
  if (suffix !== 0x64 && suffix !== 0x66) return false;
  if (at + 1 === text.length) return true;
  const next = text.charCodeAt(at + 1);
  return isMarked(next, SPACE) || next === SEMICOLON || (next | 0x20) === 0x75;
}

/** `x'1F'` and `b'01'`. @returns  -1 where it is a word. */
export function readQuotedNumber(text: ByteText, at: number, digits: number, token: Token): number {
  if (at + 2 >= text.length || text.charCodeAt(at + 1) !== APOSTROPHE) return -1;
  const end = skipMarked(text, at + 2, digits);
  if (text.charCodeAt(end) !== APOSTROPHE) return -1;
  token.fill(KIND.number, at, end + 1);
  return end + 1;
}

/** What begins with a dollar: `$1,000.00` of SQL Server, the strings of PostgreSQL, or a dollar alone. */
export function readDollar(text: ByteText, at: number, token: Token): number {
  const end = skipMarked(text, at + 1, MONEY);
  if (end === at + 2 && text.charCodeAt(at + 1) === DOT) return readWord(text, at, token);
  if (end > at + 1) {
    token.fill(KIND.number, at, end);
    return end;
  }
  if (text.charCodeAt(at + 1) === DOLLAR) return readDollarString(text, at, '$$', token);
  const tagEnd = skipMarked(text, at + 1, LETTER);
  if (tagEnd > at + 1 && text.charCodeAt(tagEnd) === DOLLAR) {
    return readDollarString(text, at, text.slice(at, tagEnd + 1), token);
  }
  token.fill(KIND.name, at, at + 1);
  return at + 1;
}
