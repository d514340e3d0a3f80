// hot path: synchronous, never throws

import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:parityZero7bit`: the high bit of each byte becomes 0. */
export const parityZero7bit: TransformationWord = {
  names: ['parityZero7bit'],
  compile: () => (text) => mapBytes(text, LOW_BYTES),
};

const LOW_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte & 0x7f);
