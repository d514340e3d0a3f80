// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';

/**
 * V8's search may compare each character of the needle again at each place of the text. Needles up to here are not
 * worth a table against that.
 */
const PLAIN_NEEDLE_MAX = 64;

/** @returns  Index of the first occurrence at `from` or later; -1 for none. */
export type TextSearch = (text: ByteText, from: number) => number;

/**
 * A search for one text, linear in needle and text: both may come from a request, where a rule expands a macro.
 *
 * Source: Knuth, Morris, Pratt 1977, for needles that are long.
 */
export function searchFor(needle: ByteText): TextSearch {
  if (needle.length <= PLAIN_NEEDLE_MAX) return (text, from) => text.indexOf(needle, from);
  const borders = bordersOf(needle);
  return (text, from) => {
    let matched = 0;
    for (let i = from; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      while (matched > 0 && needle.charCodeAt(matched) !== code) matched = borders[matched - 1] as number;
      if (needle.charCodeAt(matched) === code) matched += 1;
      if (matched === needle.length) return i + 1 - matched;
    }
    return -1;
  };
}

/** Per end: length of the longest proper prefix that is a suffix there too. */
function bordersOf(needle: ByteText): Int32Array {
  const borders = new Int32Array(needle.length);
  let length = 0;
  for (let i = 1; i < needle.length; i += 1) {
    const code = needle.charCodeAt(i);
    while (length > 0 && needle.charCodeAt(length) !== code) length = borders[length - 1] as number;
    if (needle.charCodeAt(length) === code) length += 1;
    borders[i] = length;
  }
  return borders;
}
