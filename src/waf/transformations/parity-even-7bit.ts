// hot path: synchronous, never throws

import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:parityEven7bit`: the high bit of each byte becomes what makes the number of its set bits even. */
export const parityEven7bit: TransformationWord = {
  names: ['parityEven7bit'],
  compile: () => (text) => mapBytes(text, EVEN_BYTES),
};

const EVEN_BYTES = Uint8Array.from(
  { length: 256 },
  (_, byte) => (byte & 0x7f) | (onesOf(byte & 0x7f) % 2 === 1 ? 0x80 : 0),
);

export function onesOf(byte: number): number {
  let ones = 0;
  for (let rest = byte; rest !== 0; rest >>= 1) ones += rest & 1;
  return ones;
}
