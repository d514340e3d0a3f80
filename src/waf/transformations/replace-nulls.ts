// hot path: synchronous, never throws
import { mapBytes } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:replaceNulls`: a space for each NUL. */
export const replaceNulls: TransformationWord = {
  names: ['replaceNulls'],
  changes: '\0',
  compile: () => (text) => (text.includes('\0') ? mapBytes(text, TABLE) : text),
};

const TABLE = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0 ? 0x20 : byte));
