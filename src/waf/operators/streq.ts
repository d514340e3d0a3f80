// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';

/** `@streq`: value and parameter are the same, case included. */
export const streq: OperatorWord = {
  name: 'streq',
  compile: (parameter) => (value) => value.text === parameter,
};
