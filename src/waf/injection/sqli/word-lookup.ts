// hot path: synchronous, never throws
import { WORDS_BY_KIND } from './words.ts';

const KINDS = new Map<string, number>();
for (const [kind, words] of WORDS_BY_KIND) {
  for (const word of words.split(',')) KINDS.set(word.trim().replace(/\s+/g, ' '), kind);
}

/** The kind of a word or phrase of SQL, in any case; 0 of any other. */
export function kindOfWord(word: string): number {
  const upper = word.toUpperCase();
  // A sharp s becomes two letters: `CRO\xdf` is not CROSS.
  return upper.length === word.length ? (KINDS.get(upper) ?? 0) : 0;
}
