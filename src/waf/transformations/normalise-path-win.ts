// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';
import { normalise } from './normalise-path.ts';

/** `t:normalizePathWin`: as `t:normalizePath`, after backslashes have become slashes. */
export const normalisePathWin: TransformationWord = {
  names: ['normalisePathWin', 'normalizePathWin'],
  compile: () => (text) => normalise(text.replaceAll('\\', '/')),
};
