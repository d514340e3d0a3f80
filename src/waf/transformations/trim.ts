// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';
import { withoutSpaceBefore } from './trim-left.ts';
import { withoutSpaceBehind } from './trim-right.ts';

/** `t:trim`: takes white space away from both ends. */
export const trim: TransformationWord = {
  names: ['trim'],
  changes: ' \t\n\v\f\r',
  compile: () => (text) => withoutSpaceBefore(withoutSpaceBehind(text)),
};
