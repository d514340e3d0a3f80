// hot path: synchronous, never throws
import { DPOP_URL_LENGTH_MAX } from '../limits.ts';

/**
 * A URL in the one form in which two that mean the same are equal: without query and fragment, scheme and host in lower
 * case, no default port, no dot segments, percent-encoding only where it is needed and in capitals.
 *
 * @returns  '' for what is no http or https URL, or has a user name.
 *
 * Source: RFC 3986 6.2.2 and 6.2.3, as RFC 9449 4.3 recommends.
 */
export function comparableUrl(text: string): string {
  // A backslash is read as a slash by some; blanks are dropped by others.
  if (text.length > DPOP_URL_LENGTH_MAX || !/^https?:\/\/[^\\\s\p{C}]+$/iu.test(text) || !URL.canParse(text)) return '';
  const { protocol, host, pathname, username, password } = new URL(text);
  if (username !== '' || password !== '') return '';
  return `${protocol}//${host}${pathname.replace(/%[0-9a-f]{2}/gi, plainest)}`;
}

/** @param encoded  `%` and two digits. */
function plainest(encoded: string): string {
  const letter = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(letter) ? letter : encoded.toUpperCase();
}
