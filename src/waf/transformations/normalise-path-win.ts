// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';
import { normalise } from './normalise-path.ts';

/**
 * `t:normalizePathWin`: as `t:normalizePath`, after backslashes have become slashes: all of them, where ModSecurity 3
 * leaves some behind a slash.
 */
export const normalisePathWin: TransformationWord = {
  names: ['normalisePathWin', 'normalizePathWin'],
  changes: '/.\\',
  mayChange: (text) => text.includes('\\') || normalise(text) !== text,
  compile: () => (text) => normalise(text.replaceAll('\\', '/')),
};
