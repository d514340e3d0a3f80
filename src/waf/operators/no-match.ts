// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';

/** `@noMatch`: holds for nothing. */
export const noMatch: OperatorWord = { name: 'noMatch', compile: () => () => false };
