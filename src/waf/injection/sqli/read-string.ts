// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, type Token } from './token.ts';

const BACKSLASH = 0x5c;
const APOSTROPHE = 0x27;
const AMPERSAND = 0x26;
const LETTER_Q = 0x71;
const LETTER_U = 0x75;
/** How the quotes of Oracle close; any other byte closes itself. */
const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}', '<': '>' };

/**
 * Reads a string up to the quote that closes it: one that no odd number of backslashes precedes and that is not
 * doubled. A string that is not closed runs to the end.
 *
 * @param from  Offset of its content, behind the quote that opens it.
 * @param openedBy  The quote's code, 0 where it stands before the value.
 * @returns  Where reading goes on.
 */
export function readQuoted(text: ByteText, from: number, quote: string, openedBy: number, token: Token): number {
  let at = text.indexOf(quote, from);
  while (at !== -1) {
    if (isEscaped(text, from, at)) at = text.indexOf(quote, at + 1);
    else if (text[at + 1] === quote) at = text.indexOf(quote, at + 2);
    else {
      token.fill(KIND.string, from, at);
      token.openedBy = openedBy;
      token.closedBy = quote.charCodeAt(0);
      return at + 1;
    }
  }
  return readToEnd(text, from, openedBy, token);
}

/** Backslashes are counted down to the start of the content. Runs of them never overlap, so all stays linear. */
function isEscaped(text: ByteText, from: number, at: number): boolean {
  let before = at - 1;
  while (before >= from && text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before - 1) % 2 === 1;
}

function readToEnd(text: ByteText, from: number, openedBy: number, token: Token): number {
  token.fill(KIND.string, from, text.length);
  token.openedBy = openedBy;
  return text.length;
}

/** `E'...'` of PostgreSQL, `N'...'` of SQL Server. @returns  -1 where it is no such string, but a word. */
export function readPrefixedString(text: ByteText, at: number, token: Token): number {
  if (at + 2 >= text.length || text.charCodeAt(at + 1) !== APOSTROPHE) return -1;
  return readQuoted(text, at + 2, "'", APOSTROPHE, token);
}

/** `U&'...'` of the standard. @returns  -1 where it is a word. */
export function readUnicodeString(text: ByteText, at: number, token: Token): number {
  if (text.charCodeAt(at + 1) !== AMPERSAND || text.charCodeAt(at + 2) !== APOSTROPHE) return -1;
  const next = readQuoted(text, at + 3, "'", LETTER_U, token);
  if (token.closedBy !== 0) token.closedBy = LETTER_U;
  return next;
}

/**
 * `q'!...!'` of Oracle, with any printing delimiter.
 *
 * @param at  Offset of the `q`.
 * @returns  -1 where it is a word.
 */
export function readOracleString(text: ByteText, at: number, token: Token): number {
  if ((text.charCodeAt(at) | 0x20) !== LETTER_Q || text.charCodeAt(at + 1) !== APOSTROPHE) return -1;
  const delimiter = text.charCodeAt(at + 2);
  if (!(delimiter > 0x20 && delimiter < 0x80)) return -1;
  const opening = text[at + 2] as string;
  const end = text.indexOf(`${CLOSING[opening] ?? opening}'`, at + 3);
  if (end === -1) return readToEnd(text, at + 3, LETTER_Q, token);
  token.fill(KIND.string, at + 3, end);
  token.openedBy = LETTER_Q;
  token.closedBy = LETTER_Q;
  return end + 2;
}

/** `$$...$$` and `$tag$...$tag$` of PostgreSQL. @param mark  What opens and closes: it stands at `at`. */
export function readDollarString(text: ByteText, at: number, mark: ByteText, token: Token): number {
  const from = at + mark.length;
  const dollar = 0x24;
  const end = text.indexOf(mark, from);
  if (end === -1) return readToEnd(text, from, dollar, token);
  token.fill(KIND.string, from, end);
  token.openedBy = dollar;
  token.closedBy = dollar;
  return end + mark.length;
}
