// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:hexDecode`: a byte for each two digits; a last one alone goes. Bytes that are no digits count as the C library of
 * ModSecurity reads them, so that a stray byte hides nothing; Coraza gives an empty value then.
 */
export const hexDecode: TransformationWord = { names: ['hexDecode'], compile: () => decode };

function decode(text: ByteText): ByteText {
  const bytes = workOn(text);
  const count = text.length >> 1;
  for (let i = 0; i < count; i += 1) {
    bytes[i] = digitOf(bytes[2 * i] as number) * 16 + digitOf(bytes[2 * i + 1] as number);
  }
  return workText(bytes, count, text);
}

function digitOf(byte: number): number {
  return byte >= 0x41 ? (byte & 0xdf) - 0x41 + 10 : byte - 0x30;
}
