// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';

/** `t:length`: how many bytes, in decimal. */
export const length: TransformationWord = { names: ['length'], compile: () => (text) => String(text.length) };
