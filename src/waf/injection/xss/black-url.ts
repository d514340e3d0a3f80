// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';

/** Addresses that run script or bring their own page. `java` alone, since old browsers knew more than one of those. */
const SCHEMES = ['DATA', 'VIEW-SOURCE', 'JAVA', 'VBSCRIPT'] as const;
const SCHEME_MAX = 11;
/** Greatest number a character reference may have. */
const REFERENCE_MAX = 0x1000ff;

const LINE_FEED = 0x0a;
const HASH = 0x23;
const AMPERSAND = 0x26;
const DASH = 0x2d;
const SEMICOLON = 0x3b;

/**
 * Whether an attribute's value begins with a scheme of the list, as a browser would read it: control characters, white
 * space and bytes from 127 in front do not count, NULs and line feeds count nowhere, and numeric character references
 * are what they stand for, of which the lowest byte is looked at.
 */
export function isBlackUrl(text: ByteText, start: number, end: number): boolean {
  let at = start;
  while (at < end && isBlank(text.charCodeAt(at))) at += 1;
  let read = '';
  while (at < end && read.length < SCHEME_MAX) {
    let code = text.charCodeAt(at);
    let next = at + 1;
    if (code === AMPERSAND) {
      const digits = digitsAt(text, at, end);
      if (digits < 0) break;
      const base = digits === at + 2 ? 10 : 16;
      code = 0;
      for (next = digits; next < end; next += 1) {
        const digit = digitOf(text.charCodeAt(next), base);
        if (digit < 0) break;
        code = code * base + digit;
        if (code > REFERENCE_MAX) return isScheme(read);
      }
      if (next < end && text.charCodeAt(next) === SEMICOLON) next += 1;
    }
    at = next;
    if (read === '' ? code <= 0x20 : code === 0 || code === LINE_FEED) continue;
    const letter = upperOf(code);
    if (letter === 0) break;
    read += String.fromCharCode(letter);
  }
  return isScheme(read);
}

function isScheme(read: string): boolean {
  return SCHEMES.some((scheme) => read.startsWith(scheme));
}

/** Where the digits of a numeric reference begin; -1 where it is none. */
function digitsAt(text: ByteText, ampersand: number, end: number): number {
  if (ampersand + 2 >= end || text.charCodeAt(ampersand + 1) !== HASH) return -1;
  const isHex = (text.charCodeAt(ampersand + 2) | 0x20) === 0x78;
  const digits = ampersand + (isHex ? 3 : 2);
  return digits < end && digitOf(text.charCodeAt(digits), isHex ? 16 : 10) >= 0 ? digits : -1;
}

function digitOf(code: number, base: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return base === 16 && lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** A letter or dash of a scheme; 0 for what no scheme has. Small letters count only where they are not folded. */
function upperOf(code: number): number {
  const byte = (code >= 0x61 && code <= 0x7a ? code - 0x20 : code) & 0xff;
  return (byte >= 0x41 && byte <= 0x5a) || byte === DASH ? byte : 0;
}

function isBlank(code: number): boolean {
  return code <= 0x20 || code >= 0x7f;
}
