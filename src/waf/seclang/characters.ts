import type { ByteText } from '../../base/byte-text.ts';

/** Space, tab, vertical tab, form feed, carriage return, line feed: C's isspace. */
export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Without those at both ends. Never `String.prototype.trim`, which takes the byte 0xA0 for one. */
export function trimmed(text: ByteText): ByteText {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Offset of the first character from `from` on that is no space. */
export function spacesEnd(text: ByteText, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}
