// hot path: synchronous, never throws
import { inPlace, isSpace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:compressWhitespace`: one space for each run of TAB, LF, VT, FF, CR and space. */
export const compressWhitespace: TransformationWord = {
  names: ['compressWhitespace'],
  changes: ' \t\n\v\f\r',
  compile: () => inPlace((text) => TRIGGER.test(text), compress),
  work: () => compress,
};

const TRIGGER = /[\t-\r]| {2}/;

function compress(bytes: Buffer, length: number): number {
  let out = 0;
  let isAfterSpace = false;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[i] as number;
    const isBlank = isSpace(byte);
    if (isBlank && isAfterSpace) continue;
    bytes[out] = isBlank ? 0x20 : byte;
    isAfterSpace = isBlank;
    out += 1;
  }
  return out;
}
