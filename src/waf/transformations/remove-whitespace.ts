// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { isSpace, workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:removeWhitespace`: takes out TAB, LF, VT, FF, CR and space, and the two bytes of a no-break space (C2 A0), each
 * also where it stands without the other, as ModSecurity 3 does.
 */
export const removeWhitespace: TransformationWord = {
  names: ['removeWhitespace'],
  changes: ' \t\n\v\f\r\xa0\xc2',
  compile: () => remove,
};

const TRIGGER = /[\t-\r \xa0\xc2]/;

function remove(text: ByteText): ByteText {
  const first = text.search(TRIGGER);
  if (first === -1) return text;
  const bytes = workOn(text);
  let out = first;
  for (let i = first; i < text.length; i += 1) {
    const byte = bytes[i] as number;
    if (isSpace(byte) || byte === 0xa0 || byte === 0xc2) continue;
    bytes[out] = byte;
    out += 1;
  }
  return workText(bytes, out, text);
}
