// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';
import { searchFor, type TextSearch } from './text-search.ts';

/** `@containsWord`: the parameter occurs in the value with no ASCII letter beside it. Digits and `_` part words. */
export const containsWord: OperatorWord = {
  name: 'containsWord',
  compile: (parameter) => {
    if (parameter === '') return () => true;
    const search = searchFor(parameter);
    return (value) => holdsWord(value.text, parameter.length, search);
  },
};

function holdsWord(text: ByteText, length: number, search: TextSearch): boolean {
  let at = search(text, 0);
  while (at !== -1) {
    if (!isLetter(text.charCodeAt(at - 1)) && !isLetter(text.charCodeAt(at + length))) return true;
    at = nextPlace(text, at, length, search);
  }
  return false;
}

/** Only where no letter stands before it can it be a word. */
function nextPlace(text: ByteText, at: number, length: number, search: TextSearch): number {
  return at + 1 + length > text.length ? -1 : search(text, at + 1);
}

/** NaN, beyond the ends, is none. */
function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
