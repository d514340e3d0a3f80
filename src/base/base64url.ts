// hot path: synchronous, never throws

/** Value 0-63 of a base64url digit by byte, 255 for every other byte. */
const DIGITS: Uint8Array = digits();

/**
 * Is this the one base64url text of some bytes (RFC 4648 5, without padding)? A text that a lenient decoder takes as
 * well, with other digits, blanks, padding, or bits set behind the last byte, is not: two texts of the same bytes would
 * pass for two tokens.
 *
 * @param text  Any text; `[from, to)` lies within it. Empty is the text of no bytes.
 */
export function isBase64Url(text: string, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f || DIGITS[code] === 255) return false;
  }
  const rest = (to - from) & 3;
  if (rest === 0) return true;
  if (rest === 1) return false;
  const last = DIGITS[text.charCodeAt(to - 1)] as number;
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0;
}

/** @returns  The bytes of a base64url text, null when it is not one as `isBase64Url` has it. */
export function bytesOfBase64Url(text: string): Buffer | null {
  return isBase64Url(text) ? Buffer.from(text, 'base64url') : null;
}

function digits(): Uint8Array {
  const table = new Uint8Array(128).fill(255);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let i = 0; i < alphabet.length; i += 1) table[alphabet.charCodeAt(i)] = i;
  return table;
}
