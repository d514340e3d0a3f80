// hot path: synchronous, never throws
import { bytesOf } from '../../base/byte-text.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:hexEncode`: two lower-case digits for each byte. */
export const hexEncode: TransformationWord = {
  names: ['hexEncode'],
  compile: () => (text) => (text === '' ? text : bytesOf(text).toString('hex')),
};
