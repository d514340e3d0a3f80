// hot path: synchronous, never throws
import { BACKSLASH, DQUOTE, EQUALS, HTAB, SEMICOLON, SP, TOKEN_BYTES } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';

/** A parameter of Content-Type or Content-Disposition (RFC 9110 5.6.6). */
export interface Parameter {
  /** In lower case. */
  readonly name: ByteText;
  /** Without quotes; `\"` and `\\` are one character, any other backslash is itself, as browsers send paths. */
  readonly value: ByteText;
  readonly isQuoted: boolean;
  /** Its quoted value holds `\"`: a reader that knows no escapes sees its end there. */
  readonly hasEscapedQuote: boolean;
  /** White space around its `=`: not allowed, and skipped by some. */
  readonly hasSpace: boolean;
}

export interface Parameters {
  readonly list: readonly Parameter[];
  /** Why the text behind the last of them is no parameter; null where all was read. */
  readonly error: string | null;
  /** The first has no semicolon before it. */
  readonly isMissingSemicolon: boolean;
  /** A value begins with `'`, or a quoted one does not end, or goes on behind its end. */
  readonly isInvalidQuoting: boolean;
  /** White space behind the last. */
  readonly hasSpaceAfter: boolean;
}

/**
 * Reads `; a=b; c="d"`.
 *
 * @param from  Behind the first word.
 */
export function readParameters(text: ByteText, from: number): Parameters {
  const list: Parameter[] = [];
  let isMissingSemicolon = false;
  const done = (error: string | null, isInvalidQuoting = false): Parameters => ({
    list,
    error,
    isMissingSemicolon,
    isInvalidQuoting,
    hasSpaceAfter: from < text.length && isSpace(text.charCodeAt(text.length - 1)),
  });
  for (let at = skipSpace(text, from); at < text.length; at = skipSpace(text, at)) {
    if (text.charCodeAt(at) === SEMICOLON) {
      at = skipSpace(text, at + 1);
      if (at === text.length) return done('ends with a semicolon');
    } else if (list.length === 0 && at > from) {
      isMissingSemicolon = true;
    } else {
      return done('has something between parameters', list.at(-1)?.isQuoted);
    }
    const nameEnd = endOfToken(text, at);
    const equals = skipSpace(text, nameEnd);
    if (nameEnd === at || text.charCodeAt(equals) !== EQUALS) return done('has a parameter without name or value');
    const name = text.slice(at, nameEnd).toLowerCase();
    const valueFrom = skipSpace(text, equals + 1);
    const hasSpace = equals > nameEnd || valueFrom > equals + 1;
    if (text.charCodeAt(valueFrom) === DQUOTE) {
      const end = endOfQuoted(text, valueFrom);
      if (end === -1) {
        list.push({ name, value: text.slice(valueFrom + 1), isQuoted: true, hasEscapedQuote: false, hasSpace });
        return done('has a quoted value that does not end', true);
      }
      const raw = text.slice(valueFrom + 1, end);
      const hasEscapedQuote = raw.includes('\\"');
      const value = raw.includes('\\') ? raw.replace(/\\(["\\])/g, '$1') : raw;
      list.push({ name, value, isQuoted: true, hasEscapedQuote, hasSpace });
      at = end + 1;
    } else {
      at = endOfToken(text, valueFrom);
      const value = text.slice(valueFrom, at);
      list.push({ name, value, isQuoted: false, hasEscapedQuote: false, hasSpace });
      if (value === '') return done('has a parameter without a value');
      if (value.startsWith("'")) return done('has a value in single quotes', true);
    }
  }
  return done(null);
}

/** @returns  Offset of the closing quote; -1 without one. */
function endOfQuoted(text: ByteText, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    const byte = text.charCodeAt(at);
    if (byte === DQUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  return -1;
}

export function endOfToken(text: ByteText, from: number): number {
  let at = from;
  while (at < text.length && TOKEN_BYTES[text.charCodeAt(at)] === 1) at += 1;
  return at;
}

/** Without white space at its ends. Not `trim`, which takes bytes of other characters too. */
export function trimSpace(text: ByteText): ByteText {
  const from = skipSpace(text, 0);
  let to = text.length;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function skipSpace(text: ByteText, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
