// hot path: synchronous, never throws
import { hexByte, inPlace, isOctal } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:escapeSeqDecode`: ANSI C escapes: the letters `\a` `\b` `\f` `\n` `\r` `\t` `\v`, `\xHH`, and one to three octal
 * digits, of which the low byte counts. Before all else a backslash goes alone; one at the end stays.
 */
export const escapeSeqDecode: TransformationWord = {
  names: ['escapeSeqDecode'],
  changes: '\\',
  compile: () => inPlace((text) => text.includes('\\'), decode),
  work: () => decode,
};

/** What a letter behind a backslash stands for; itself where it stands for nothing. Shared with `t:jsDecode`. */
export const LETTERS: Uint8Array = letters();

function decode(bytes: Buffer, end: number): number {
  let out = 0;
  for (let i = 0; i < end; out += 1) {
    const byte = bytes[i] as number;
    i += 1;
    if (byte !== 0x5c || i === end) {
      bytes[out] = byte;
      continue;
    }
    const next = bytes[i] as number;
    if (isOctal(next)) {
      let value = 0;
      for (const stop = Math.min(end, i + 3); i < stop && isOctal(bytes[i] as number); i += 1) {
        value = value * 8 + (bytes[i] as number) - 0x30;
      }
      bytes[out] = value;
      continue;
    }
    if ((next | 0x20) === 0x78 && i + 2 < end) {
      const value = hexByte(bytes, i + 1);
      if (value !== -1) {
        bytes[out] = value;
        i += 3;
        continue;
      }
    }
    bytes[out] = LETTERS[next] as number;
    i += 1;
  }
  return out;
}

function letters(): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const meanings = { a: 0x07, b: 0x08, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b };
  for (const [letter, byte] of Object.entries(meanings)) table[letter.charCodeAt(0)] = byte;
  return table;
}
