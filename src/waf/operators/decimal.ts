// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';

/**
 * A number as C's atoi reads it: white space, a sign, digits, and the rest does not count; 0 without digits. Numbers
 * beyond an int stay what they are, so that no number of many digits comes out small.
 */
export function leadingInteger(text: ByteText): number {
  let at = 0;
  while (isSpace(text.charCodeAt(at))) at += 1;
  const sign = text[at];
  if (sign === '-' || sign === '+') at += 1;
  let number = 0;
  for (; isDigit(text.charCodeAt(at)); at += 1) number = number * 10 + (text.charCodeAt(at) - 0x30);
  return sign === '-' ? 0 - number : number;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
