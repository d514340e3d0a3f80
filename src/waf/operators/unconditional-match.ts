// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';

/** `@unconditionalMatch`: holds for everything. */
export const unconditionalMatch: OperatorWord = { name: 'unconditionalMatch', compile: () => () => true };
