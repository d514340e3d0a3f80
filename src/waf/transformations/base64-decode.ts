// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:base64Decode`: reads base64 (RFC 4648 4) up to the first byte that does not belong to it. Space, CR and LF are
 * passed over; a last group that is not whole gives the bytes that it has.
 *
 * ModSecurity 3 gives nothing for text with a byte that does not belong, and nothing for a last group that lacks its
 * padding. A decoder that is more lenient than the rule would then be fed what no rule sees, so here the beginning
 * counts, as in ModSecurity 2 and Coraza.
 */
export const base64Decode: TransformationWord = {
  names: ['base64Decode'],
  compile: () => (text) => decodeBase64(text, false),
  work: () => (bytes, length) => decode(bytes, length, false),
};

const NO_DIGIT = 64;
/** Value of each digit. */
const DIGITS = digits();

/** @param isForgiving  Bytes that are no digits are passed over, wherever they stand. */
export function decodeBase64(text: ByteText, isForgiving: boolean): ByteText {
  const bytes = workOn(text);
  return workText(bytes, decode(bytes, text.length, isForgiving), text);
}

/** In place: what is written never overtakes what is read. */
function decode(bytes: Buffer, length: number, isForgiving: boolean): number {
  let out = 0;
  let group = 0;
  let count = 0;
  for (let i = 0; i < length; i += 1) {
    const code = bytes[i] as number;
    const digit = DIGITS[code] as number;
    if (digit === NO_DIGIT) {
      if (isForgiving || code === 0x20 || code === 0x0d || code === 0x0a) continue;
      break;
    }
    group = (group << 6) | digit;
    count += 1;
    if (count < 4) continue;
    bytes[out] = group >> 16;
    bytes[out + 1] = group >> 8;
    bytes[out + 2] = group;
    out += 3;
    group = 0;
    count = 0;
  }
  if (count === 2) {
    bytes[out] = group >> 4;
    out += 1;
  } else if (count === 3) {
    bytes[out] = group >> 10;
    bytes[out + 1] = group >> 2;
    out += 2;
  }
  return out;
}

function digits(): Uint8Array {
  const table = new Uint8Array(256).fill(NO_DIGIT);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let digit = 0; digit < alphabet.length; digit += 1) table[alphabet.charCodeAt(digit)] = digit;
  return table;
}
