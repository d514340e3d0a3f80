// hot path: synchronous, never throws
import { hexByte, inPlace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:urlDecode`: `%HH` becomes a byte, `+` a space; a percent sign without two digits stays. */
export const urlDecode: TransformationWord = {
  names: ['urlDecode'],
  changes: '%+',
  compile: () => inPlace((text) => TRIGGER.test(text), decode),
  work: () => decode,
};

const TRIGGER = /\+|%[0-9A-Fa-f]{2}/;

function decode(bytes: Buffer, end: number): number {
  let out = 0;
  for (let i = 0; i < end; out += 1) {
    const byte = bytes[i] as number;
    i += 1;
    bytes[out] = byte === 0x2b ? 0x20 : byte;
    if (byte !== 0x25 || i + 1 >= end) continue;
    const value = hexByte(bytes, i);
    if (value === -1) continue;
    bytes[out] = value;
    i += 2;
  }
  return out;
}
