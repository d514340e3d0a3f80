// hot path: synchronous, never throws
import { formatIPv6, parseAddress } from '../base/ip-address.ts';
import { HOSTS_REMEMBERED_MAX } from '../limits.ts';

/**
 * Name in a Host field: lower case, without port and trailing dot. IPv6 literals keep their brackets and get their
 * canonical text (RFC 5952), so that one address is one name.
 *
 * Stricter than RFC 3986 `reg-name`: labels of letters, digits, `-` and `_`, 1-63 characters each, 253 in all (RFC 1035
 * 2.3.4). A port, if any, is 1-65535 without leading zeros. Userinfo, percent-encoding, zones, lists, spaces and 8-bit
 * characters are refused: each is read in two ways by somebody.
 *
 * @param authority  Field value as received.
 * @returns The name, the same string object for values seen lately (its hash is known then); '' when invalid.
 *
 * Threads: any; the memory is each thread's own.
 */
export function hostName(authority: string): string {
  return names.get(authority) ?? learn(authority);
}

const NAME_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;
/** Name, trailing dot, colon and port. */
const AUTHORITY_LENGTH_MAX = NAME_LENGTH_MAX + 7;

const BRACKET = 0x5b;
const DOT = 0x2e;
const COLON = 0x3a;

let names = new Map<string, string>();

function learn(authority: string): string {
  if (authority.length === 0 || authority.length > AUTHORITY_LENGTH_MAX) return '';
  const name = authority.charCodeAt(0) === BRACKET ? literalName(authority) : registeredName(authority);
  // Refused values are not remembered: they would push honest ones out. Nor may a stranger grow the memory.
  if (name === '') return '';
  if (names.size >= HOSTS_REMEMBERED_MAX) names = new Map();
  names.set(authority, name);
  return name;
}

const LETTERS_DIGITS = nameBytes();

function registeredName(authority: string): string {
  let end = 0;
  let labelStart = 0;
  for (; end < authority.length; end += 1) {
    const code = authority.charCodeAt(end);
    if (code === COLON) break;
    if (code === DOT) {
      if (end === labelStart || end - labelStart > LABEL_LENGTH_MAX) return '';
      labelStart = end + 1;
    } else if (code > 127 || LETTERS_DIGITS[code] !== 1) return '';
  }
  if (end - labelStart > LABEL_LENGTH_MAX || !isPortSuffix(authority, end)) return '';
  // A label is missing at the end: `h.` names the root of DNS, and is the same host; `h..` fell at its second dot.
  const nameEnd = labelStart === end ? end - 1 : end;
  if (nameEnd < 1 || nameEnd > NAME_LENGTH_MAX) return '';
  return authority.slice(0, nameEnd).toLowerCase();
}

function literalName(authority: string): string {
  const close = authority.indexOf(']');
  if (close === -1 || !isPortSuffix(authority, close + 1)) return '';
  const inner = authority.slice(1, close);
  if (!inner.includes(':')) return '';
  const words = parseAddress(inner);
  return words === null ? '' : `[${formatIPv6(words)}]`;
}

function isPortSuffix(authority: string, from: number): boolean {
  if (from === authority.length) return true;
  const digits = authority.length - from - 1;
  if (authority.charCodeAt(from) !== COLON || digits < 1 || digits > 5) return false;
  let port = 0;
  for (let i = from + 1; i < authority.length; i += 1) {
    const digit = authority.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9 || (port === 0 && digit === 0)) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

function nameBytes(): Uint8Array {
  const table = new Uint8Array(128).fill(1, 0x30, 0x3a).fill(1, 0x41, 0x5b).fill(1, 0x61, 0x7b);
  table['-'.charCodeAt(0)] = 1;
  table['_'.charCodeAt(0)] = 1;
  return table;
}
