import type { ByteText } from '../../base/byte-text.ts';
import { isSpace, spacesEnd } from './characters.ts';

/** A directive as words: its name, then its arguments without their quotes. */
export interface LexedDirective {
  /** From 1: where it begins. */
  readonly line: number;
  readonly words: readonly ByteText[];
}

/** A directive that is not words. */
export interface LexFault {
  readonly line: number;
  /** Its text, continued lines joined: an id may be found in it. */
  readonly text: ByteText;
  readonly message: string;
}

/**
 * Cuts a file into directives. Never throws; linear in the text.
 *
 * - A line whose last character but spaces is a backslash goes on in the next one, whose spaces at the beginning stay.
 * - `#` begins a comment only at the beginning of a line. A commented-out SecRule or SecAction goes on as they do;
 *   other comments end with their line, whatever they end with.
 * - A word is bare up to the next space, or stands in `"` or `'`. In quotes a backslash before the same quote makes it
 *   an ordinary character and is dropped; two backslashes stay two and do not escape what follows; all others stay, so
 *   that regular expressions arrive as written.
 *
 * Source: ModSecurity 3 and Coraza. Apache would make one of two backslashes; CRS writes `\x5c`, so that it never
 * matters.
 */
export function lexDirectives(text: ByteText): (LexedDirective | LexFault)[] {
  const found: (LexedDirective | LexFault)[] = [];
  let line = 0;
  // A byte order mark is no part of the first word.
  let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0;
  while (at < text.length) {
    const begins = line + 1;
    const pieces: ByteText[] = [];
    let goesOn = true;
    let isComment = false;
    while (goesOn && at < text.length) {
      const newline = text.indexOf('\n', at);
      const end = newline === -1 ? text.length : newline;
      const last = lastOf(text, at, end);
      goesOn = last >= at && text[last] === '\\';
      const piece = text.slice(at, goesOn ? last : last + 1);
      line += 1;
      at = end + 1;
      if (pieces.length === 0) {
        isComment = COMMENT.test(piece);
        if (isComment && !COMMENTED_RULE.test(piece)) goesOn = false;
      } else if (isComment && SWALLOWED.test(piece)) {
        const message = `the comment of line ${begins} goes on over its backslash and would swallow this directive`;
        found.push({ line, text: piece, message });
      }
      pieces.push(piece);
    }
    if (isComment) continue;
    const directive = wordsOf(pieces.join(''), begins);
    if (directive !== null) found.push(directive);
  }
  return found;
}

const COMMENT = /^[ \t\r\v\f]*#/;
const COMMENTED_RULE = /^[ \t\r\v\f]*#[# \t]*Sec(?:Rule|Action)\b/i;
const SWALLOWED = /^[ \t\r\v\f]*(?:Sec[A-Z][A-Za-z]+|Include(?:Optional)?)[ \t]/;

/** Offset of the last character of `[from, to)` that is not a space; `from - 1` without one. */
function lastOf(text: ByteText, from: number, to: number): number {
  let last = to - 1;
  while (last >= from && isSpace(text.charCodeAt(last))) last -= 1;
  return last;
}

function wordsOf(text: ByteText, line: number): LexedDirective | LexFault | null {
  const words: ByteText[] = [];
  let at = 0;
  for (;;) {
    at = spacesEnd(text, at);
    if (at === text.length) return words.length === 0 ? null : { line, words };
    const quote = text[at] as string;
    if (quote === '"' || quote === "'") {
      const end = quoteEnd(text, at + 1, quote);
      if (end === -1) return { line, text, message: `a ${quote} is not closed` };
      words.push(unescaped(text.slice(at + 1, end), quote));
      at = end + 1;
      if (at < text.length && !isSpace(text.charCodeAt(at))) {
        return { line, text, message: `a space is missing behind a closing ${quote}; write \\${quote} within quotes` };
      }
    } else {
      const start = at;
      while (at < text.length && !isSpace(text.charCodeAt(at))) at += 1;
      words.push(text.slice(start, at));
    }
  }
}

/**
 * Where quoted text ends.
 *
 * @param from   Behind the opening quote.
 * @returns      Offset of the first quote without a backslash of its own; -1 without one.
 */
export function quoteEnd(text: ByteText, from: number, quote: string): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Drops the backslash before each escaped quote, and no other. */
export function unescaped(text: ByteText, quote: string): ByteText {
  if (!text.includes(`\\${quote}`)) return text;
  const pieces: ByteText[] = [];
  let kept = 0;
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at + 2)) {
    if (text[at + 1] !== quote) continue;
    pieces.push(text.slice(kept, at));
    kept = at + 1;
  }
  pieces.push(text.slice(kept));
  return pieces.join('');
}
