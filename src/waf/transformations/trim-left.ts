// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { isSpace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:trimLeft`: takes white space away from the beginning. */
export const trimLeft: TransformationWord = {
  names: ['trimLeft'],
  changes: ' \t\n\v\f\r',
  compile: () => withoutSpaceBefore,
};

export function withoutSpaceBefore(text: ByteText): ByteText {
  let from = 0;
  while (from < text.length && isSpace(text.charCodeAt(from))) from += 1;
  return from === 0 ? text : text.slice(from);
}
