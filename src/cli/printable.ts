import { displayOf } from '../base/byte-text.ts';
import { quote } from '../config/words.ts';

/** Characters of a value. */
const SHOWN_MAX = 200;

/** Byte text in quotes, shortened, with nothing in it that a terminal would obey. */
export function shown(text: string, lengthMax = SHOWN_MAX): string {
  return quote(displayOf(text), lengthMax);
}

/** Bare where it is plain and short: an id, the place of a line. Else in quotes. */
export function bare(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./#-]{1,200}$/.test(text) ? text : quote(text, SHOWN_MAX);
}

/** `1 request`, `2 requests`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
