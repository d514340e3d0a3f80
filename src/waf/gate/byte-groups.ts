// hot path: synchronous, never throws
import type { ByteSet } from '../operators/byte-set.ts';

/*
 * All bytes, parted in 31 groups: what a value is made of fits a small integer, one bit for each group. Bytes that
 * attacks need and honest text lacks stand alone.
 */

/** Bytes that share a group: characters, or first and last of a range. Each byte is in one group. */
const GROUPS: readonly (string | readonly (readonly [number, number])[])[] = [
  [[0x00, 0x00]],
  [
    [0x01, 0x08],
    [0x0e, 0x1f],
    [0x7f, 0x7f],
  ],
  '\t\n\v\f\r',
  ' ',
  '!^',
  '"',
  '#@~',
  '$',
  '%',
  '&',
  "'",
  '()',
  '*',
  '+',
  ',-:',
  '._',
  '/',
  [[0x30, 0x39]],
  ';',
  '<',
  '=',
  '>',
  '?',
  [[0x41, 0x5a]],
  [[0x61, 0x7a]],
  '[]',
  '\\',
  '`',
  '{}',
  '|',
  [[0x80, 0xff]],
];

/** Byte -> the bit of its group. */
export const GROUP_BITS: Int32Array = groupBits();

/** Every group: what is said of a value that was not looked at. */
export const ALL_GROUPS = 0x7fff_ffff;

/** The groups that hold a byte of the set. */
export function groupsOf(set: ByteSet): number {
  let groups = 0;
  for (let byte = 0; byte < 256; byte += 1) if (set[byte] === 1) groups |= GROUP_BITS[byte] as number;
  return groups;
}

/** The groups of the characters of a text. */
export function groupsOfText(text: string): number {
  return Array.from(text).reduce((groups, character) => groups | (GROUP_BITS[character.charCodeAt(0)] as number), 0);
}

/** The groups of the first `length` bytes. */
export function groupsIn(bytes: Uint8Array, length: number): number {
  let groups = 0;
  for (let i = 0; i < length; i += 1) groups |= GROUP_BITS[bytes[i] as number] as number;
  return groups;
}

function groupBits(): Int32Array {
  const bits = new Int32Array(256);
  GROUPS.forEach((group, index) => {
    const ranges =
      typeof group === 'string'
        ? Array.from(group, (character) => [character.charCodeAt(0), character.charCodeAt(0)] as const)
        : group;
    for (const [first, last] of ranges) bits.fill(2 ** index, first, last + 1);
  });
  return bits;
}
