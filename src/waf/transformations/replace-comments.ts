// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:replaceComments`: a space for each comment of C, also for one without an end. */
export const replaceComments: TransformationWord = { names: ['replaceComments'], changes: '*', compile: () => replace };

function replace(text: ByteText): ByteText {
  const first = text.indexOf('/*');
  if (first === -1) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < end; out += 1) {
    if (bytes[i] !== 0x2f || i + 1 === end || bytes[i + 1] !== 0x2a) {
      bytes[out] = bytes[i] as number;
      i += 1;
      continue;
    }
    bytes[out] = 0x20;
    const close = text.indexOf('*/', i + 2);
    i = close === -1 ? end : close + 2;
  }
  return workText(bytes, out, text);
}
