// hot path: synchronous, never throws
import { HEX_VALUES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:htmlEntityDecode`: `&quot;` `&amp;` `&lt;` `&gt;` `&nbsp;` in any case, `&#N;` and `&#xH;`, each with or without
 * the semicolon, as one byte: the low one of a number, 0xFF for one of more than 63 bits. Other entities stay.
 */
export const htmlEntityDecode: TransformationWord = {
  names: ['htmlEntityDecode'],
  changes: '&',
  compile: () => decode,
};

const NAMED: ReadonlyMap<string, number> = new Map([
  ['quot', 0x22],
  ['amp', 0x26],
  ['lt', 0x3c],
  ['gt', 0x3e],
  ['nbsp', 0xa0],
]);
const NAME_BYTES_MAX = 4;
/** What `strtol` of C stops at. */
const LARGEST = 0x7fff_ffff_ffff_ffffn;
/** So many decimal digits are always below it, and so many more always above. */
const EXACT_DIGITS = 18;

function decode(text: ByteText): ByteText {
  const first = text.indexOf('&');
  if (first === -1) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < end; out += 1) {
    const byte = bytes[i] as number;
    if (byte === 0x26 && i + 1 < end) {
      const from = startOf(bytes, i + 1, end);
      const isNumber = from > i + 1;
      const isHex = from === i + 3;
      const to = endOf(bytes, from, end, isNumber, isHex);
      const value = to === from ? -1 : isNumber ? numberOf(text.slice(from, to), isHex) : namedOf(text, from, to);
      if (value !== -1) {
        bytes[out] = value;
        i = to < end && bytes[to] === 0x3b ? to + 1 : to;
        continue;
      }
    }
    bytes[out] = byte;
    i += 1;
  }
  return workText(bytes, out, text);
}

/** @returns  Where the name or the digits begin: behind `#` or `#x`, if there. */
function startOf(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] !== 0x23) return at;
  return at + 1 < end && ((bytes[at + 1] as number) | 0x20) === 0x78 ? at + 2 : at + 1;
}

function endOf(bytes: Buffer, from: number, end: number, isNumber: boolean, isHex: boolean): number {
  let to = from;
  for (; to < end; to += 1) {
    const byte = bytes[to] as number;
    const digit = HEX_VALUES[byte] as number;
    const belongs = isNumber ? digit < (isHex ? 16 : 10) : digit < 10 || isLetter(byte);
    if (!belongs) return to;
  }
  return to;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function namedOf(text: ByteText, from: number, to: number): number {
  if (to - from > NAME_BYTES_MAX) return -1;
  return NAMED.get(text.slice(from, to).toLowerCase()) ?? -1;
}

function numberOf(digits: ByteText, isHex: boolean): number {
  let zeros = 0;
  while (digits.charCodeAt(zeros) === 0x30) zeros += 1;
  const length = digits.length - zeros;
  if (length === 0) return 0;
  if (length > EXACT_DIGITS + 1) return 0xff;
  const value = BigInt((isHex ? '0x' : '') + digits.slice(zeros));
  return value > LARGEST ? 0xff : Number(value & 0xffn);
}
