// hot path: synchronous, never throws
import { HEX_VALUES } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';
import type { ByteWork, Transformation } from './transformation.ts';

/** Values up to this long are worked on in memory that is kept: nearly all of them. */
const KEPT_BYTES = 65_536;
/** Up to here a loop is quicker than a call. */
const SHORT_BYTES = 64;
const kept = Buffer.allocUnsafe(KEPT_BYTES);

/**
 * Memory to build a value in, with whatever it held before.
 *
 * Threads: one copy of it in each. It holds until the next call, here or of `workOn`.
 */
export function workBytes(count: number): Buffer {
  return count <= KEPT_BYTES ? kept : Buffer.allocUnsafe(count);
}

/** The bytes of a value, to be changed in place. What lies behind them means nothing. Threads: as `workBytes`. */
export function workOn(text: ByteText): Buffer {
  const { length } = text;
  const bytes = workBytes(length);
  if (length > SHORT_BYTES) bytes.write(text, 0, 'latin1');
  else for (let i = 0; i < length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** @returns  The first `length` bytes; the very text that was before, where they are the same. */
export function workText(bytes: Buffer, length: number, before: ByteText): ByteText {
  const text = bytes.toString('latin1', 0, length);
  return text === before ? before : text;
}

/**
 * A transformation that works on the bytes of a value.
 *
 * @param mayChange  False for texts that it leaves as they are; most of them, so that nothing is copied.
 */
export function inPlace(mayChange: (text: ByteText) => boolean, work: ByteWork): Transformation {
  return (text) => {
    if (!mayChange(text)) return text;
    const bytes = workOn(text);
    return workText(bytes, work(bytes, text.length), text);
  };
}

/** @param table  256 bytes: what becomes of each. */
export function mapBytes(text: ByteText, table: Uint8Array): ByteText {
  const { length } = text;
  let first = 0;
  for (; first < length; first += 1) {
    const code = text.charCodeAt(first);
    if (table[code] !== code) break;
  }
  if (first === length) return text;
  const bytes = workOn(text);
  return bytes.toString('latin1', 0, mapInPlace(bytes, length, table));
}

/** The same on bytes. @returns  `length`. */
export function mapInPlace(bytes: Buffer, length: number, table: Uint8Array): number {
  for (let i = 0; i < length; i += 1) bytes[i] = table[bytes[i] as number] as number;
  return length;
}

/** ASCII white space in the C locale: TAB, LF, VT, FF, CR and space. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

export function isOctal(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x37;
}

/** Two hexadecimal digits as a byte, -1 where they are none. */
export function hexByte(bytes: Buffer, at: number): number {
  const high = HEX_VALUES[bytes[at] as number] as number;
  const low = HEX_VALUES[bytes[at + 1] as number] as number;
  return high === 255 || low === 255 ? -1 : high * 16 + low;
}

/**
 * Full width forms of ASCII (U+FF01 to U+FF5E) are ASCII 0x20 above their low byte.
 *
 * @param high  High byte of the code point.
 * @param low   Low byte.
 * @returns     One byte: the ASCII character, else the low byte.
 */
export function narrow(high: number, low: number): number {
  return high === 0xff && low > 0 && low < 0x5f ? low + 0x20 : low;
}
