import type { ByteText } from '../base/byte-text.ts';
import { SecLangReason } from './seclang/reason.ts';
import type { UnicodeMap } from './transformation.ts';

/**
 * What a `SecUnicodeMapFile unicode.mapping 20127` names.
 *
 * @param values  Of the directive: the path, and the number of the code page.
 * @param read    A whole file. May throw SecLangReason or SecLangError.
 * @throws  SecLangReason for values that are not these two, a file without that page, and a page that cannot be read.
 */
export function unicodeMapOf(values: readonly ByteText[], read: (path: ByteText) => ByteText): UnicodeMap {
  const [path, page] = values;
  if (path === undefined || page === undefined || values.length > 2) {
    throw new SecLangReason(`SecUnicodeMapFile takes a path and a code page, as in: unicode.mapping 20127`);
  }
  if (!/^[0-9]{1,5}$/.test(page)) throw new SecLangReason(`${page} is not the number of a code page, such as 20127`);
  return parseUnicodeMap(read(path), Number(page));
}

/** What separates labels of a host name like a full stop (RFC 3490 3.1): ModSecurity adds them to every page. */
const DOTS: readonly (readonly [number, number])[] = [
  [0x3002, 0x2e],
  [0xff0e, 0x2e],
  [0xff61, 0x2e],
];

/**
 * Reads one code page. A line that begins with a number begins the page of that number; the pairs behind it, on as many
 * lines as there are, are a code point and its byte, hexadecimal: `00e9:65 2019:27`.
 *
 * @throws  SecLangReason.
 */
export function parseUnicodeMap(text: ByteText, codePage: number): UnicodeMap {
  const map = new Map(DOTS);
  const pages: number[] = [];
  let isWanted = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim();
    if (words === '' || words.startsWith('#')) continue;
    if (!/^[0-9A-Fa-f]+:/.test(words)) {
      // `(UTF-8)` begins a page without a number.
      const page = /^[0-9]+/.exec(words);
      if (page === null && !words.startsWith('(')) throw new SecLangReason(unreadable(words, index));
      isWanted = page !== null && Number(page[0]) === codePage;
      if (page !== null) pages.push(Number(page[0]));
    } else if (isWanted) {
      for (const pair of words.split(/\s+/)) addPair(map, pair, index);
    }
  }
  if (!pages.includes(codePage)) {
    throw new SecLangReason(`there is no code page ${codePage}; there are ${pages.join(', ') || 'none'}`);
  }
  return map;
}

function addPair(map: Map<number, number>, pair: string, index: number): void {
  const [, point, byte] = /^([0-9A-Fa-f]{4}):([0-9A-Fa-f]{2})$/.exec(pair) ?? [];
  if (point === undefined || byte === undefined) throw new SecLangReason(unreadable(pair, index));
  map.set(Number.parseInt(point, 16), Number.parseInt(byte, 16));
}

function unreadable(words: string, index: number): string {
  return `line ${index + 1} has ${words.slice(0, 40)}, which is neither a code page nor a pair such as 00e9:65`;
}
