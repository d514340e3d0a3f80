// hot path: synchronous, never throws
import { hexByte, inPlace, narrow } from '../byte-work.ts';
import type { ByteWork, TransformationWord, UnicodeMap } from '../transformation.ts';

/**
 * `t:urlDecodeUni`: as `t:urlDecode`, and IIS's `%uHHHH`: the byte that the map of SecUnicodeMapFile names, else the
 * low byte, full width ASCII its narrow form.
 */
export const urlDecodeUni: TransformationWord = {
  names: ['urlDecodeUni'],
  changes: '%+',
  compile: (unicode) => inPlace((text) => TRIGGER.test(text), decoder(unicode)),
  work: decoder,
};

const TRIGGER = /\+|%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{4})/;

function decoder(unicode: UnicodeMap | null): ByteWork {
  return (bytes, length) => decode(bytes, length, unicode);
}

function decode(bytes: Buffer, end: number, unicode: UnicodeMap | null): number {
  let out = 0;
  for (let i = 0; i < end; out += 1) {
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
  return out;
}
