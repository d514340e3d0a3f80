// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workBytes, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:utf8toUnicode`: `%uhhhh` for each UTF-8 sequence of several bytes, at least four digits. As in ModSecurity 3, NUL
 * and first bytes that lack their others go; other bytes that are no UTF-8 stay; and for a sequence that UTF-8 forbids
 * (longer than need be, a surrogate, past U+13FFFF) its first byte stays beside what it stands for.
 *
 * Coraza writes U+FFFD for whatever is no UTF-8.
 */
export const utf8toUnicode: TransformationWord = { names: ['utf8toUnicode'], changes: '\0\x80', compile: () => encode };

const TRIGGER = /[\0\x80-\xff]/;
/** Two bytes may become seven: `%u007f` and their first. */
const GROWTH = 4;
const DIGITS = Buffer.from('0123456789abcdef');

function encode(text: ByteText): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const end = text.length;
  const bytes = workBytes(end * GROWTH);
  bytes.write(text.slice(0, first), 0, 'latin1');
  let out = first;
  for (let i = first; i < end; ) {
    const code = text.charCodeAt(i);
    const length = lengthOf(code);
    if (length === 1) {
      if (code !== 0) {
        bytes[out] = code;
        out += 1;
      }
      i += 1;
      continue;
    }
    if (code >= 0xf5) {
      bytes[out] = code;
      out += 1;
    }
    const point = pointAt(text, i, length);
    if (point === -1) {
      i += 1;
      continue;
    }
    out = writePoint(bytes, out, point);
    if (isForbidden(point, length)) {
      bytes[out] = code;
      out += 1;
    }
    i += length;
  }
  return workText(bytes, out, text);
}

/** Bytes of the sequence that this one begins; 1 for one that begins none. */
function lengthOf(code: number): number {
  if (code < 0xc0 || code >= 0xf8) return 1;
  return code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
}

/** @returns  The code point, -1 where bytes are missing. */
function pointAt(text: ByteText, at: number, length: number): number {
  if (at + length > text.length) return -1;
  let point = text.charCodeAt(at) & (0x7f >> length);
  for (let i = at + 1; i < at + length; i += 1) {
    const code = text.charCodeAt(i);
    if ((code & 0xc0) !== 0x80) return -1;
    point = (point << 6) | (code & 0x3f);
  }
  return point;
}

function isForbidden(point: number, length: number): boolean {
  if (length === 2) return point < 0x80;
  if (length === 3) return point < 0x800 || (point >= 0xd800 && point <= 0xdfff);
  return point < 0x1_0000;
}

function writePoint(bytes: Buffer, at: number, point: number): number {
  bytes[at] = 0x25;
  bytes[at + 1] = 0x75;
  let out = at + 2;
  for (let shift = point > 0xf_ffff ? 20 : point > 0xffff ? 16 : 12; shift >= 0; shift -= 4) {
    bytes[out] = DIGITS[(point >> shift) & 15] as number;
    out += 1;
  }
  return out;
}
