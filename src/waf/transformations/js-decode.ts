// hot path: synchronous, never throws
import { hexByte, inPlace, isOctal, narrow } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';
import { LETTERS } from './escape-seq-decode.ts';

/**
 * `t:jsDecode`: JavaScript escapes: `\uHHHH` becomes its low byte, full width ASCII its narrow form; `\xHH`; octal up
 * to `\377`; the letters of C. Before all else a backslash goes alone; one at the end stays.
 */
export const jsDecode: TransformationWord = {
  names: ['jsDecode'],
  changes: '\\',
  compile: () => inPlace((text) => text.includes('\\'), decode),
  work: () => decode,
};

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
      // A third digit only where all of it is one byte.
      const stop = Math.min(end, i + (next > 0x33 ? 2 : 3));
      let value = 0;
      for (; i < stop && isOctal(bytes[i] as number); i += 1) value = value * 8 + (bytes[i] as number) - 0x30;
      bytes[out] = value;
      continue;
    }
    if (next === 0x75 && i + 4 < end) {
      const high = hexByte(bytes, i + 1);
      const low = hexByte(bytes, i + 3);
      if (high !== -1 && low !== -1) {
        bytes[out] = narrow(high, low);
        i += 5;
        continue;
      }
    } else if (next === 0x78 && i + 2 < end) {
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
