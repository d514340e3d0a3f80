// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, type Token } from './token.ts';
import { kindOfWord } from './word-lookup.ts';

/** The longest operator at this place: three bytes (`<=>`), two that the table of words knows, else one. */
export function readOperator(text: ByteText, at: number, token: Token): number {
  if (at + 1 >= text.length) return readSingle(KIND.operator, at, token);
  if (text.startsWith('<=>', at)) return fill(KIND.operator, at, 3, token);
  const kind = kindOfWord(text, at, at + 2);
  if (kind !== KIND.none) return fill(kind, at, 2, token);
  return readSingle(text[at] === ':' ? KIND.colon : KIND.operator, at, token);
}

/** A token of one byte. */
export function readSingle(kind: number, at: number, token: Token): number {
  return fill(kind, at, 1, token);
}

/** `\N` is a null of MySQL; any other backslash stands alone. */
export function readBackslash(text: ByteText, at: number, token: Token): number {
  return text[at + 1] === 'N' ? fill(KIND.number, at, 2, token) : fill(KIND.backslash, at, 1, token);
}

function fill(kind: number, at: number, length: number, token: Token): number {
  token.fill(kind, at, at + length);
  return at + length;
}
