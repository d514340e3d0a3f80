// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:removeNulls`: takes out every NUL. */
export const removeNulls: TransformationWord = { names: ['removeNulls'], changes: '\0', compile: () => remove };

function remove(text: ByteText): ByteText {
  const first = text.indexOf('\0');
  if (first === -1) return text;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < text.length; i += 1) {
    const byte = bytes[i] as number;
    if (byte === 0) continue;
    bytes[out] = byte;
    out += 1;
  }
  return workText(bytes, out, text);
}
