// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { leadingInteger } from './decimal.ts';

/** `@lt`: the value's number is below the parameter's. */
export const lt: OperatorWord = {
  name: 'lt',
  compile: (parameter) => {
    const bound = leadingInteger(parameter);
    return (value) => leadingInteger(value.text) < bound;
  },
};
