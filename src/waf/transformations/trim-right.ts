// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { isSpace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:trimRight`: takes white space away from the end. */
export const trimRight: TransformationWord = {
  names: ['trimRight'],
  changes: ' \t\n\v\f\r',
  compile: () => withoutSpaceBehind,
};

export function withoutSpaceBehind(text: ByteText): ByteText {
  let to = text.length;
  while (to > 0 && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return to === text.length ? text : text.slice(0, to);
}
