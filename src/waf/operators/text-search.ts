// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';

/**
 * V8's search may compare each character of the needle again at each place of the text. Needles up to here are not
 * worth a table against that.
 */
const PLAIN_NEEDLE_MAX = 64;

/** Does the text hold the needle, at a place that is accepted? */
export type TextSearch = (text: ByteText) => boolean;

/**
 * A search for one text, linear in needle and text: both may come from a request, where a rule expands a macro.
 *
 * @param accepts  Asked for each occurrence, in order, until one is accepted. Occurrences may overlap.
 * Source: Knuth, Morris, Pratt 1977, for needles that are long.
 */
export function searchFor(needle: ByteText, accepts: (text: ByteText, at: number) => boolean = always): TextSearch {
  return needle.length <= PLAIN_NEEDLE_MAX ? plainSearch(needle, accepts) : longSearch(needle, accepts);
}

function always(): boolean {
  return true;
}

function plainSearch(needle: ByteText, accepts: (text: ByteText, at: number) => boolean): TextSearch {
  return (text) => {
    // The empty needle is found at the end again and again.
    const last = text.length - needle.length;
    let at = text.indexOf(needle);
    while (at !== -1 && !accepts(text, at)) at = at < last ? text.indexOf(needle, at + 1) : -1;
    return at !== -1;
  };
}

function longSearch(needle: ByteText, accepts: (text: ByteText, at: number) => boolean): TextSearch {
  const borders = bordersOf(needle);
  return (text) => {
    let matched = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      while (matched > 0 && needle.charCodeAt(matched) !== code) matched = borders[matched - 1] as number;
      if (needle.charCodeAt(matched) === code) matched += 1;
      if (matched < needle.length) continue;
      if (accepts(text, i + 1 - matched)) return true;
      matched = borders[matched - 1] as number;
    }
    return false;
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
