import { type ByteSet, byteSet, complementOf, unionOf } from './byte-set.ts';

/*
 * Classes of PCRE 2 (pcre2pattern(3)) for bytes, without UTF and in a C locale: no byte above 127 is a letter, but 0x85
 * ends a line for \v and \R, and 0xA0 is a space for \h.
 */

export const ALL_BYTES = byteSet([0, 255]);
export const NOT_LINE_FEED = complementOf(byteSet([0x0a, 0x0a]));

const DIGIT = byteSet([0x30, 0x39]);
const UPPER = byteSet([0x41, 0x5a]);
const LOWER = byteSet([0x61, 0x7a]);
const ALPHA = unionOf([UPPER, LOWER]);
const ALNUM = unionOf([ALPHA, DIGIT]);
const WORD = unionOf([ALNUM, byteSet([0x5f, 0x5f])]);
/** Vertical tab included, since PCRE 8.34; RE2's own \s has none. */
const SPACE = byteSet([0x09, 0x0d], [0x20, 0x20]);
const GRAPH = byteSet([0x21, 0x7e]);
const HORIZONTAL = byteSet([0x09, 0x09], [0x20, 0x20], [0xa0, 0xa0]);
/** Line ends: also what \R takes, beside CR LF as one. */
export const VERTICAL = byteSet([0x0a, 0x0d], [0x85, 0x85]);

/** By the letter behind the backslash. */
export const ESCAPED_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ['d', DIGIT],
  ['D', complementOf(DIGIT)],
  ['w', WORD],
  ['W', complementOf(WORD)],
  ['s', SPACE],
  ['S', complementOf(SPACE)],
  ['h', HORIZONTAL],
  ['H', complementOf(HORIZONTAL)],
  ['v', VERTICAL],
  ['V', complementOf(VERTICAL)],
]);

/** By the name in `[[:name:]]`. */
export const NAMED_CLASSES: ReadonlyMap<string, ByteSet> = new Map([
  ['alnum', ALNUM],
  ['alpha', ALPHA],
  ['ascii', byteSet([0, 127])],
  ['blank', byteSet([0x09, 0x09], [0x20, 0x20])],
  ['cntrl', byteSet([0, 31], [127, 127])],
  ['digit', DIGIT],
  ['graph', GRAPH],
  ['lower', LOWER],
  ['print', byteSet([0x20, 0x7e])],
  ['punct', byteSet([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e])],
  ['space', SPACE],
  ['upper', UPPER],
  ['word', WORD],
  ['xdigit', byteSet([0x30, 0x39], [0x41, 0x46], [0x61, 0x66])],
]);
