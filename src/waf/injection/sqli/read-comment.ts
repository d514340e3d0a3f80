// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, type Token } from './token.ts';

const SLASH = 0x2f;
const STAR = 0x2a;

/** A comment up to the end of its line. */
export function readLineComment(text: ByteText, at: number, token: Token): number {
  const newline = text.indexOf('\n', at);
  const end = newline === -1 ? text.length : newline;
  token.fill(KIND.comment, at, end);
  return newline === -1 ? end : end + 1;
}

/**
 * A comment between slashes and stars. One with another inside, which PostgreSQL nests, or with a bang behind its
 * opening, which MySQL runs, is read differently by databases: nobody honest sends it.
 */
export function readBlockComment(text: ByteText, at: number, token: Token): number {
  const close = text.indexOf('*/', at + 2);
  const end = close === -1 ? text.length : close + 2;
  const isNested = close !== -1 && hasOpening(text, at + 2, close);
  token.fill(isNested || text[at + 2] === '!' ? KIND.evil : KIND.comment, at, end);
  return end;
}

/**
 * The star of an opening may be that of the closing: `/`, then the end. Looked for in the comment alone: to the end of
 * the value it would cost the square of many comments.
 */
function hasOpening(text: ByteText, from: number, close: number): boolean {
  for (let at = from; at < close; at += 1) {
    if (text.charCodeAt(at) === SLASH && text.charCodeAt(at + 1) === STAR) return true;
  }
  return false;
}
