// hot path: synchronous, never throws
import { inPlace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:removeNulls`: takes out every NUL. */
export const removeNulls: TransformationWord = {
  names: ['removeNulls'],
  changes: '\0',
  compile: () => inPlace((text) => text.includes('\0'), remove),
  work: () => remove,
};

function remove(bytes: Buffer, length: number): number {
  let out = 0;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[i] as number;
    if (byte === 0) continue;
    bytes[out] = byte;
    out += 1;
  }
  return out;
}
