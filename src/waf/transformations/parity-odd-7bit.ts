// hot path: synchronous, never throws

import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';
import { onesOf } from './parity-even-7bit.ts';

/** `t:parityOdd7bit`: the high bit of each byte becomes what makes the number of its set bits odd. */
export const parityOdd7bit: TransformationWord = {
  names: ['parityOdd7bit'],
  compile: () => (text) => mapBytes(text, ODD_BYTES),
};

const ODD_BYTES = Uint8Array.from(
  { length: 256 },
  (_, byte) => (byte & 0x7f) | (onesOf(byte & 0x7f) % 2 === 0 ? 0x80 : 0),
);
