// hot path: synchronous, never throws
import { bytesOf } from '../../base/byte-text.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:base64Encode`: RFC 4648 4, with padding. */
export const base64Encode: TransformationWord = {
  names: ['base64Encode'],
  compile: () => (text) => (text === '' ? text : bytesOf(text).toString('base64')),
};
