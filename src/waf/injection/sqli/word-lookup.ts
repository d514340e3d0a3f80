// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { WordTable } from './word-table.ts';
import { WORDS_BY_KIND } from './words.ts';

const ENTRIES = WORDS_BY_KIND.flatMap(([kind, list]) =>
  list.split(',').map((word) => [word.trim().replace(/\s+/g, ' '), kind] as const),
);
const KINDS = new WordTable(ENTRIES);
/** What phrases begin with: all words but the last. */
const HEADS = new WordTable(
  ENTRIES.filter(([phrase]) => phrase.includes(' ')).map(([phrase]) => [phrase.slice(0, phrase.lastIndexOf(' ')), 1]),
);

/** The kind of the word or phrase of SQL between two offsets, in any case; 0 of any other. */
export function kindOfWord(text: ByteText, start: number, end: number): number {
  return KINDS.find(text, start, end);
}

/** May a word follow that makes a phrase of it? */
export function isPhraseHead(text: ByteText, start: number, end: number): boolean {
  return HEADS.find(text, start, end) !== 0;
}
