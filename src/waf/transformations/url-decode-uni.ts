// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { hexByte, narrow, workOn, workText } from '../byte-work.ts';
import type { Transformation, TransformationWord, UnicodeMap } from '../transformation.ts';

/**
 * `t:urlDecodeUni`: as `t:urlDecode`, and IIS's `%uHHHH`: the byte that the map of SecUnicodeMapFile names, else the
 * low byte, full width ASCII its narrow form.
 */
export const urlDecodeUni: TransformationWord = { names: ['urlDecodeUni'], changes: '%+', compile: decoder };

const TRIGGER = /\+|%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})/;

function decoder(unicode: UnicodeMap | null): Transformation {
  return (text) => decode(text, unicode);
}

function decode(text: ByteText, unicode: UnicodeMap | null): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < end; out += 1) {
    const byte = bytes[i] as number;
    i += 1;
    bytes[out] = byte === 0x2b ? 0x20 : byte;
    if (byte !== 0x25 || i + 1 >= end) continue;
    if (((bytes[i] as number) | 0x20) !== 0x75) {
      const value = hexByte(bytes, i);
      if (value === -1) continue;
      bytes[out] = value;
      i += 2;
    } else if (i + 4 < end) {
      const high = hexByte(bytes, i + 1);
      const low = hexByte(bytes, i + 3);
      if (high === -1 || low === -1) continue;
      bytes[out] = unicode?.get(high * 256 + low) ?? narrow(high, low);
      i += 5;
    }
  }
  return workText(bytes, out, text);
}
