// hot path: synchronous, never throws
import { inPlace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:replaceComments`: a space for each comment of C, also for one without an end. */
export const replaceComments: TransformationWord = {
  names: ['replaceComments'],
  changes: '*',
  compile: () => inPlace((text) => text.includes('/*'), replace),
  work: () => replace,
};

function replace(bytes: Buffer, end: number): number {
  let out = 0;
  for (let i = 0; i < end; out += 1) {
    if (bytes[i] !== 0x2f || i + 1 === end || bytes[i + 1] !== 0x2a) {
      bytes[out] = bytes[i] as number;
      i += 1;
      continue;
    }
    bytes[out] = 0x20;
    i += 2;
    while (i < end && !(bytes[i] === 0x2a && i + 1 < end && bytes[i + 1] === 0x2f)) i += 1;
    i = Math.min(end, i + 2);
  }
  return out;
}
