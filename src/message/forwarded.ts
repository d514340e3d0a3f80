// hot path: synchronous, never throws
import { BACKSLASH, COMMA, DQUOTE, SEMICOLON } from '../base/ascii.ts';

/**
 * Reads the list of a `Forwarded` field (RFC 7239 4) from its end, so that what a stranger wrote on the left cannot
 * change how the elements that proxies added on the right are read. An open quote on the left, for one, would swallow
 * them all in a parser that starts there.
 *
 * @param list  The list; several fields joined by `, `.
 * @param end   Where the element ends: `list.length`, or the start of the element after it minus 1.
 * @returns     Start of the last element before `end`; -1 when its quotes do not pair.
 */
export function elementStart(list: string, end: number): number {
  let quoted = false;
  for (let i = end - 1; i >= 0; i -= 1) {
    const code = list.charCodeAt(i);
    if (code === DQUOTE) quoted = !quoted;
    else if (code === COMMA && !quoted) return i + 1;
  }
  return quoted ? -1 : 0;
}

/**
 * Value of one parameter of an element: `for`, `proto`, `host`.
 *
 * @param element  One element: `for=192.0.2.43;proto=https`. Space around pairs is passed over.
 * @param name     Lower-case parameter name.
 * @returns The value without its quotes; '' when absent, repeated or malformed. A backslash makes the whole element
 *          malformed: no address, scheme or host needs one, and it hides where a quoted string ends.
 */
export function parameterOf(element: string, name: string): string {
  if (element.includes('\\')) return '';
  let found = '';
  let start = 0;
  while (start <= element.length) {
    const end = pairEnd(element, start);
    const equals = element.indexOf('=', start);
    if (equals !== -1 && equals < end && element.slice(start, equals).trim().toLowerCase() === name) {
      if (found !== '') return '';
      found = unquoted(element.slice(equals + 1, end).trim());
      if (found === '') return '';
    }
    start = end + 1;
  }
  return found;
}

/** @returns  Whether a list can be added to: a reader from the left sees no quoted string open at its end. */
export function isExtendable(list: string): boolean {
  let quoted = false;
  for (let i = 0; i < list.length; i += 1) {
    const code = list.charCodeAt(i);
    if (code === DQUOTE) quoted = !quoted;
    else if (code === BACKSLASH) {
      if (!quoted) return false;
      i += 1;
    }
  }
  return !quoted;
}

function pairEnd(element: string, from: number): number {
  let quoted = false;
  for (let i = from; i < element.length; i += 1) {
    const code = element.charCodeAt(i);
    if (code === DQUOTE) quoted = !quoted;
    else if (code === SEMICOLON && !quoted) return i;
  }
  return element.length;
}

function unquoted(value: string): string {
  const quotes = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
  const text = quotes ? value.slice(1, -1) : value;
  return text.includes('"') ? '' : text;
}
