// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';

/**
 * Whether a comment does something in some browser: a backquote ends one in old ones, `[if` is conditional, `xml`,
 * `import` and `entity` are instructions of XML. The short ones need a character behind them.
 */
export function isBlackComment(text: ByteText, start: number, end: number): boolean {
  const size = end - start;
  // A slice, so that a text of many comments is not searched to its end for each.
  if (text.slice(start, end).includes('`')) return true;
  if (size <= 3) return false;
  const beginning = text.slice(start, start + 6).toLowerCase();
  if (beginning.startsWith('[if') || beginning.startsWith('xml')) return true;
  return size > 5 && (beginning === 'import' || beginning === 'entity');
}
