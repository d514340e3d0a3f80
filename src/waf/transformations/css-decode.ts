// hot path: synchronous, never throws
import { HEX_VALUES } from '../../base/ascii.ts';
import { inPlace, isSpace, narrow } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:cssDecode`: CSS 2 escapes. A backslash with one to six hexadecimal digits becomes their last byte, full width
 * ASCII its narrow form; one white space behind goes with them. Before a line feed or the end of the value a backslash
 * goes with what follows, before all else alone.
 *
 * Coraza writes the code point as UTF-8 instead; ModSecurity 3 drops what follows a NUL that came out, this does not.
 */
export const cssDecode: TransformationWord = {
  names: ['cssDecode'],
  changes: '\\',
  compile: () => inPlace((text) => text.includes('\\'), decode),
  work: () => decode,
};

const DIGITS_MAX = 6;

function decode(bytes: Buffer, end: number): number {
  let out = 0;
  for (let i = 0; i < end; ) {
    const byte = bytes[i] as number;
    i += 1;
    if (byte !== 0x5c) {
      bytes[out] = byte;
      out += 1;
      continue;
    }
    let value = 0;
    let digits = 0;
    for (; digits < DIGITS_MAX && i + digits < end; digits += 1) {
      const digit = HEX_VALUES[bytes[i + digits] as number] as number;
      if (digit === 255) break;
      value = value * 16 + digit;
    }
    if (digits > 0) {
      i += digits;
      if (i < end && isSpace(bytes[i] as number)) i += 1;
      bytes[out] = narrow(value >> 8, value & 0xff);
      out += 1;
    } else if (i < end) {
      const next = bytes[i] as number;
      i += 1;
      if (next === 0x0a) continue;
      bytes[out] = next;
      out += 1;
    }
  }
  return out;
}
