// hot path: synchronous, never throws
import { LOWER_BYTES } from '../../base/ascii.ts';
import { isAscii } from '../../base/byte-text.ts';
import { mapBytes, mapInPlace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:lowercase`: A to Z; other bytes stay, as in the C locale. */
export const lowercase: TransformationWord = {
  names: ['lowercase'],
  changes: 'A',
  compile: () => (text) => (isAscii(text) ? text.toLowerCase() : mapBytes(text, LOWER_BYTES)),
  work: () => (bytes, length) => mapInPlace(bytes, length, LOWER_BYTES),
};
