// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workBytes, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:urlEncode`: `%hh` for every byte but ASCII letters, digits and `*`; `+` for a space. */
export const urlEncode: TransformationWord = { names: ['urlEncode'], compile: () => encode };

const TRIGGER = /[^0-9A-Za-z*]/;
const DIGITS = Buffer.from('0123456789abcdef');

function encode(text: ByteText): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const bytes = workBytes(text.length * 3);
  bytes.write(text.slice(0, first), 0, 'latin1');
  let out = first;
  for (let i = first; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (isKept(code) || code === 0x20) {
      bytes[out] = code === 0x20 ? 0x2b : code;
      out += 1;
      continue;
    }
    bytes[out] = 0x25;
    bytes[out + 1] = DIGITS[code >> 4] as number;
    bytes[out + 2] = DIGITS[code & 15] as number;
    out += 3;
  }
  return workText(bytes, out, text);
}

function isKept(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a) || code === 0x2a;
}
