// hot path: synchronous, never throws
import { HEX_VALUES } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';

/** Values up to this long are worked on in memory that is kept: nearly all of them. */
const KEPT_BYTES = 65_536;
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
  const bytes = workBytes(text.length);
  bytes.write(text, 0, 'latin1');
  return bytes;
}

/** @returns  The first `length` bytes; the very text that was before, where they are the same. */
export function workText(bytes: Buffer, length: number, before: ByteText): ByteText {
  const text = bytes.toString('latin1', 0, length);
  return text === before ? before : text;
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
  for (let i = first; i < length; i += 1) bytes[i] = table[bytes[i] as number] as number;
  return bytes.toString('latin1', 0, length);
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
