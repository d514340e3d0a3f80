// hot path: synchronous, never throws

/** Bytes that frame HTTP/1.1 (RFC 9112 2.2, 5, 7.1). */
export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;

/** 1 for `tchar` (RFC 9110 5.6.2): the bytes of a field name, of a method, of a connection option. */
export const TOKEN_BYTES: Uint8Array = tokenBytes();

/**
 * 1 for the bytes of a field value or a reason phrase: HTAB, SP, VCHAR, obs-text (RFC 9110 5.5, RFC 9112 4). Every
 * control byte, NUL, CR, LF and DEL is 0, so what this table lets through can never end a line for a later reader.
 */
export const FIELD_BYTES: Uint8Array = fieldBytes();

/** Value of a hexadecimal digit 0-15 by byte, 255 for every other byte. */
export const HEX_VALUES: Uint8Array = hexValues();

/** ASCII lower case by byte: 0x41-0x5a to 0x61-0x7a, every other byte to itself. */
export const LOWER_BYTES: Uint8Array = lowerBytes();

/**
 * Compares bytes with a name, ASCII case ignored.
 *
 * @param buf    Bytes; `[from, from + lower.length)` lies within them.
 * @param from   Offset of the first byte.
 * @param lower  Lower-case ASCII.
 * @returns      Whether they are the same.
 */
export function equalsLower(buf: Uint8Array, from: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i += 1) {
    if (LOWER_BYTES[buf[from + i] as number] !== lower[i]) return false;
  }
  return true;
}

/** `Connection` -> its bytes in lower case, as `equalsLower` takes them. Allocates: for tables built at load. */
export function lowerCaseBytes(name: string): Uint8Array {
  return Uint8Array.from(name.toLowerCase(), (character) => character.charCodeAt(0));
}

/** @returns  Whether `[from, to)` is a token: one `tchar` at least, and nothing else. */
export function isToken(buf: Uint8Array, from: number, to: number): boolean {
  if (from >= to) return false;
  for (let i = from; i < to; i += 1) {
    if (TOKEN_BYTES[buf[i] as number] !== 1) return false;
  }
  return true;
}

/** @returns  First offset in `[from, to)` that is neither SP nor HTAB, else `to` (OWS, RFC 9110 5.6.3). */
export function skipSpace(buf: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && (buf[i] === SP || buf[i] === HTAB)) i += 1;
  return i;
}

/** @returns  Offset after the last byte of `[from, to)` that is neither SP nor HTAB, else `from`. */
export function trimSpaceEnd(buf: Uint8Array, from: number, to: number): number {
  let i = to;
  while (i > from && (buf[i - 1] === SP || buf[i - 1] === HTAB)) i -= 1;
  return i;
}

function tokenBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of "!#$%&'*+-.^_`|~") table[character.charCodeAt(0)] = 1;
  return table.fill(1, 0x30, 0x3a).fill(1, 0x41, 0x5b).fill(1, 0x61, 0x7b);
}

function fieldBytes(): Uint8Array {
  const table = new Uint8Array(256).fill(1, SP);
  table[HTAB] = 1;
  table[0x7f] = 0;
  return table;
}

function hexValues(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 16; digit += 1) {
    const text = digit.toString(16);
    table[text.charCodeAt(0)] = digit;
    table[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}

function lowerBytes(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
}
