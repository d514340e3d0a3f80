// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, TOKEN_LENGTH_MAX, type Token } from './token.ts';
import { isPhraseHead, kindOfWord } from './word-lookup.ts';

/** Joins two words that are a phrase of SQL into the first: GROUP BY, IS NOT. */
export function mergeWords(first: Token, second: Token, text: ByteText): boolean {
  if (!isBeginning(first.kind) || !isContinuation(second.kind)) return false;
  const length = first.length + 1 + second.length;
  if (length > TOKEN_LENGTH_MAX) return false;
  if (!isHead(first, text)) return false;
  const phrase = `${first.contentOf(text)} ${second.contentOf(text)}`;
  const kind = kindOfWord(phrase, 0, length);
  if (kind === KIND.none) return false;
  first.fill(kind, first.start, first.start + length);
  first.joined = phrase;
  return true;
}

function isHead(token: Token, text: ByteText): boolean {
  if (token.joined !== null) return isPhraseHead(token.joined, 0, token.length);
  return isPhraseHead(text, token.start, token.start + token.length);
}

function isBeginning(kind: number): boolean {
  return isContinuation(kind) || kind === KIND.type;
}

function isContinuation(kind: number): boolean {
  switch (kind) {
    case KIND.name:
    case KIND.keyword:
    case KIND.operator:
    case KIND.union:
    case KIND.function:
    case KIND.expression:
    case KIND.statement:
    case KIND.type:
    case KIND.logic:
      return true;
    default:
      return false;
  }
}
