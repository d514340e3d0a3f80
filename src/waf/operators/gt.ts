// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { leadingInteger } from './decimal.ts';

/** `@gt`: the value's number is above the parameter's. */
export const gt: OperatorWord = {
  name: 'gt',
  compile: (parameter) => {
    const bound = leadingInteger(parameter);
    return (value) => leadingInteger(value.text) > bound;
  },
};
