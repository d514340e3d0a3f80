// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { contains } from './contains.ts';

/** `@strmatch`: the same as `@contains`. */
export const strmatch: OperatorWord = { ...contains, name: 'strmatch' };
