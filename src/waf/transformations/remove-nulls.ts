// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';

/** `t:removeNulls`: takes out every NUL. */
export const removeNulls: TransformationWord = {
  names: ['removeNulls'],
  compile: () => (text) => text.replaceAll('\0', ''),
};
