// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';

/** `t:replaceNulls`: a space for each NUL. */
export const replaceNulls: TransformationWord = {
  names: ['replaceNulls'],
  compile: () => (text) => text.replaceAll('\0', ' '),
};
