// hot path: synchronous, never throws
import { inPlace, isSpace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:removeWhitespace`: takes out TAB, LF, VT, FF, CR and space, and the two bytes of a no-break space (C2 A0), each
 * also where it stands without the other, as ModSecurity 3 does.
 */
export const removeWhitespace: TransformationWord = {
  names: ['removeWhitespace'],
  changes: ' \t\n\v\f\r\xa0\xc2',
  compile: () => inPlace((text) => TRIGGER.test(text), remove),
  work: () => remove,
};

const TRIGGER = /[\t-\r \xa0\xc2]/;

function remove(bytes: Buffer, length: number): number {
  let out = 0;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[i] as number;
    if (isSpace(byte) || byte === 0xa0 || byte === 0xc2) continue;
    bytes[out] = byte;
    out += 1;
  }
  return out;
}
