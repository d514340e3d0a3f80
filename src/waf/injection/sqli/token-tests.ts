// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, type Token } from './token.ts';

/** A sign or negation: `+`, `-`, `!`, `~`, `!!`, NOT. */
export function isUnary(token: Token, text: ByteText): boolean {
  if (token.kind !== KIND.operator) return false;
  const first = token.byteAt(text, 0);
  if (token.length === 1) return first === 0x2b || first === 0x2d || first === 0x21 || first === 0x7e;
  if (token.length === 2) return first === 0x21 && token.byteAt(text, 1) === 0x21;
  return token.length === 3 && contentIs(token, text, 'NOT');
}

/** One of `* / - + %`. */
export function isArithmetic(token: Token, text: ByteText): boolean {
  if (token.kind !== KIND.operator || token.length !== 1) return false;
  const code = token.byteAt(text, 0);
  return code === 0x2a || code === 0x2f || code === 0x2d || code === 0x2b || code === 0x25;
}

/** @param word  Upper case. */
export function contentIs(token: Token, text: ByteText, word: string): boolean {
  return token.length === word.length && token.contentOf(text).toUpperCase() === word;
}
