// hot path: synchronous, never throws

import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';
import { parityBytes } from './parity-even-7bit.ts';

/** `t:parityOdd7bit`: as `t:parityEven7bit`, for a number of set bits that is odd. */
export const parityOdd7bit: TransformationWord = {
  names: ['parityOdd7bit'],
  compile: () => (text) => mapBytes(text, ODD_BYTES),
};

const ODD_BYTES = parityBytes(0);
