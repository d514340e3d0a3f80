import { isIPv6 } from 'node:net';

/**
 * An address as four 32-bit words, most significant first. IPv4 takes its IPv4-mapped form ::ffff:a.b.c.d (RFC 4291
 * 2.5.5.2), so that both spellings of one address are one address everywhere.
 */
export type AddressWords = readonly [number, number, number, number];

/** A CIDR block: the first `prefix` bits of `words`; bits below are zero. `prefix` counts from bit 0 of the 128. */
export interface AddressRange {
  readonly words: AddressWords;
  readonly prefix: number;
}

const DOT = 0x2e;

/** Longest text of an address: IPv6 with an embedded IPv4 address. Longer text is not looked at. */
const TEXT_LENGTH_MAX = 45;

/** Bits of ::ffff:0:0/96 before an IPv4 address begins. */
const MAPPED_BITS = 96;

/** @returns  The words of an address without port, brackets or zone; null for anything else. */
export function parseAddress(text: string): AddressWords | null {
  if (text.length > TEXT_LENGTH_MAX) return null;
  const word = parseIPv4(text);
  if (word !== -1) return [0, 0, 0xffff, word];
  // A zone (`fe80::1%eth0`) means something to one machine only.
  if (isIPv6(text) && !text.includes('%')) return parseIPv6(text);
  return null;
}

/** @returns  The range of `10.0.0.0/8`, `2001:db8::/32` or a single address; null for anything else. */
export function parseRange(text: string): AddressRange | null {
  const slash = text.indexOf('/');
  const words = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (words === null) return null;
  if (slash === -1) return { words, prefix: 128 };
  const digits = text.slice(slash + 1);
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(digits)) return null;
  const prefix = Number(digits) + (text.includes(':') ? 0 : MAPPED_BITS);
  return prefix > 128 ? null : { words: masked(words, prefix), prefix };
}

export function isMapped(words: AddressWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}

/** @returns  The canonical text (RFC 5952); an IPv4-mapped address as plain IPv4. */
export function formatAddress(words: AddressWords): string {
  return isMapped(words) ? formatIPv4(words[3]) : formatIPv6(words);
}

/** @returns  The canonical IPv6 text (RFC 5952), IPv4-mapped addresses in their mixed form (section 5). */
export function formatIPv6(words: AddressWords): string {
  if (isMapped(words)) return `::ffff:${formatIPv4(words[3])}`;
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const { start, length } = longestZeros(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** @returns  The 32-bit mask whose first `bits` bits are set, 0 <= bits <= 32; an unsigned number. */
export function maskOf(bits: number): number {
  return bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
}

function masked(words: AddressWords, prefix: number): AddressWords {
  const part = (index: 0 | 1 | 2 | 3) => (words[index] & maskOf(Math.min(32, Math.max(0, prefix - 32 * index)))) >>> 0;
  return [part(0), part(1), part(2), part(3)];
}

/** RFC 5952 4.2.3: the longest run of zero groups, the first of equals. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let run = 0;
  groups.forEach((group, index) => {
    run = group === 0 ? run + 1 : 0;
    if (run > best.length) best = { start: index - run + 1, length: run };
  });
  return best;
}

function formatIPv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** @returns  The address of four decimal numbers of 0-255 without leading zeros; -1 for anything else. */
function parseIPv4(text: string): number {
  let word = 0;
  let number = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (number === -1 || dots === 3) return -1;
      word = word * 256 + number;
      number = -1;
      dots += 1;
      continue;
    }
    const digit = code - 0x30;
    // A leading zero means octal to some (RFC 6943 3.1.1).
    if (digit < 0 || digit > 9 || number === 0) return -1;
    number = number === -1 ? digit : number * 10 + digit;
    if (number > 255) return -1;
  }
  return dots === 3 && number !== -1 ? word * 256 + number : -1;
}

/** `text` passed isIPv6. */
function parseIPv6(text: string): AddressWords {
  const [head = '', tail] = text.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const groups = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
  const word = (index: number) => (groups[index] ?? 0) * 65_536 + (groups[index + 1] ?? 0);
  return [word(0), word(2), word(4), word(6)];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const word = parseIPv4(part);
    return [word >>> 16, word & 0xffff];
  });
}
