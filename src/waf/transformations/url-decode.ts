// hot path: synchronous, never throws
import { HEX_VALUES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:urlDecode`: `%HH` becomes a byte, `+` a space; a percent sign without two digits stays. */
export const urlDecode: TransformationWord = { names: ['urlDecode'], changes: '%+', compile: () => decode };

const TRIGGER = /\+|%[0-9A-Fa-f]{2}/;

function decode(text: ByteText): ByteText {
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
    const high = HEX_VALUES[bytes[i] as number] as number;
    const low = HEX_VALUES[bytes[i + 1] as number] as number;
    if (high === 255 || low === 255) continue;
    bytes[out] = high * 16 + low;
    i += 2;
  }
  return workText(bytes, out, text);
}
