// hot path: synchronous, never throws
import { isAscii } from '../../base/byte-text.ts';
import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:uppercase`: a to z; other bytes stay, as in the C locale. */
export const uppercase: TransformationWord = {
  names: ['uppercase'],
  changes: 'a',
  compile: () => (text) => (isAscii(text) ? text.toUpperCase() : mapBytes(text, UPPER_BYTES)),
};

const UPPER_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
