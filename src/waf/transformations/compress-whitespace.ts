// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { isSpace, workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:compressWhitespace`: one space for each run of TAB, LF, VT, FF, CR and space. */
export const compressWhitespace: TransformationWord = {
  names: ['compressWhitespace'],
  changes: ' \t\n\v\f\r',
  compile: () => compress,
};

const TRIGGER = /[\t-\r]| {2}/;

function compress(text: ByteText): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const bytes = workOn(text);
  // A space may stand before the first TAB.
  let out = Math.max(0, first - 1);
  let isAfterSpace = false;
  for (let i = out; i < text.length; i += 1) {
    const byte = bytes[i] as number;
    const isBlank = isSpace(byte);
    if (isBlank && isAfterSpace) continue;
    bytes[out] = isBlank ? 0x20 : byte;
    isAfterSpace = isBlank;
    out += 1;
  }
  return workText(bytes, out, text);
}
