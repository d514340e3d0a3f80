// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { findMarked, WORD_END } from './characters.ts';
import { readQuoted } from './read-string.ts';
import { KIND, TOKEN_LENGTH_MAX, type Token } from './token.ts';
import { kindOfWord } from './word-lookup.ts';

const DOT = 0x2e;
const BACKTICK = 0x60;

/**
 * A word: of SQL, or a name. A word of SQL ends at a dot or backtick inside (`SELECT.1`, `AND`x``), which belong to
 * names otherwise.
 */
export function readWord(text: ByteText, at: number, token: Token): number {
  const end = findMarked(text, at, WORD_END);
  const looked = Math.min(end, at + TOKEN_LENGTH_MAX);
  for (let i = at; i < looked; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== DOT && code !== BACKTICK) continue;
    const kind = kindOfWord(text, at, i);
    if (kind === KIND.none || kind === KIND.name) continue;
    token.fill(kind, at, i);
    return i;
  }
  const kind = kindOfWord(text, at, end);
  token.fill(kind === KIND.none ? KIND.name : kind, at, end);
  return end;
}

/** A name in backticks, as MySQL writes them; or a function, which MySQL lets be quoted. */
export function readBackticked(text: ByteText, at: number, token: Token): number {
  const end = readQuoted(text, at + 1, '`', BACKTICK, token);
  token.kind = kindOfWord(text, token.start, token.start + token.length) === KIND.function ? KIND.function : KIND.name;
  return end;
}

/** A name in brackets, as SQL Server and Access write them. */
export function readBracketed(text: ByteText, at: number, token: Token): number {
  const close = text.indexOf(']', at);
  const end = close === -1 ? text.length : close + 1;
  token.fill(KIND.name, at, end);
  return end;
}
