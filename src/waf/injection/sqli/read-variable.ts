// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { findMarked, VARIABLE_END } from './characters.ts';
import { readQuoted } from './read-string.ts';
import { readBackticked } from './read-word.ts';
import { KIND, type Token } from './token.ts';

const AT = 0x40;

/** `@name`, `@@name`, and `@'name'` with any quote of MySQL. */
export function readVariable(text: ByteText, at: number, token: Token): number {
  const signs = text.charCodeAt(at + 1) === AT ? 2 : 1;
  const from = at + signs;
  const quote = text[from];
  let end: number;
  if (quote === '`') end = readBackticked(text, from, token);
  else if (quote === "'" || quote === '"') end = readQuoted(text, from + 1, quote, quote.charCodeAt(0), token);
  else {
    end = findMarked(text, from, VARIABLE_END);
    token.fill(KIND.variable, from, end);
  }
  token.kind = KIND.variable;
  token.signs = signs;
  return end;
}
