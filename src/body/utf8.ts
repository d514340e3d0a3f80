// hot path: synchronous, never throws
import { isUtf8 } from 'node:buffer';
import { type ByteText, bytesOf, isAscii } from '../base/byte-text.ts';

/** Are the bytes well-formed UTF-8 (no overlong forms, no surrogates)? */
export function isUtf8Text(text: ByteText): boolean {
  return isAscii(text) || isUtf8(bytesOf(text));
}

/** UTF-8 of one code point, which is no surrogate, as byte text. */
export function utf8OfCodePoint(point: number): ByteText {
  if (point < 0x80) return String.fromCharCode(point);
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), last);
  const third = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), third, last);
  return String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), third, last);
}
