// hot path: synchronous, never throws
import { HEX_VALUES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:sqlHexDecode`: SQL's `0x414243` becomes `ABC`; a last digit alone stays.
 *
 * ModSecurity 3.0.9 loses the last byte of every other text and all behind a NUL, and does not see one that follows
 * another at once (`0x410x42`); this reads all of them.
 */
export const sqlHexDecode: TransformationWord = { names: ['sqlHexDecode'], changes: '0', compile: () => decode };

const TRIGGER = /0[xX][0-9A-Fa-f]{2}/;

function decode(text: ByteText): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < end; ) {
    const isMark = bytes[i] === 0x30 && i + 3 < end && ((bytes[i + 1] as number) | 0x20) === 0x78;
    if (!isMark || !isPair(bytes, i + 2)) {
      bytes[out] = bytes[i] as number;
      out += 1;
      i += 1;
      continue;
    }
    for (i += 2; i + 1 < end && isPair(bytes, i); i += 2) {
      bytes[out] = (HEX_VALUES[bytes[i] as number] as number) * 16 + (HEX_VALUES[bytes[i + 1] as number] as number);
      out += 1;
    }
  }
  return workText(bytes, out, text);
}

function isPair(bytes: Buffer, at: number): boolean {
  return HEX_VALUES[bytes[at] as number] !== 255 && HEX_VALUES[bytes[at + 1] as number] !== 255;
}
