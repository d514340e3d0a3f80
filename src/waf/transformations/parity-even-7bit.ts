// hot path: synchronous, never throws

import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:parityEven7bit`: sets the high bit of each byte whose set bits are odd in number, clears it in others. As in
 * ModSecurity 3 a high bit that is set counts among them.
 */
export const parityEven7bit: TransformationWord = {
  names: ['parityEven7bit'],
  compile: () => (text) => mapBytes(text, EVEN_BYTES),
};

const EVEN_BYTES = parityBytes(1);

/** @param remainder  The high bit is set where the number of set bits leaves this, divided by 2. */
export function parityBytes(remainder: 0 | 1): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte & 0x7f) | (onesOf(byte) % 2 === remainder ? 0x80 : 0));
}

function onesOf(byte: number): number {
  let ones = 0;
  for (let rest = byte; rest !== 0; rest >>= 1) ones += rest & 1;
  return ones;
}
