// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { leadingInteger } from './decimal.ts';

/** `@le`: the value's number is at most the parameter's. */
export const le: OperatorWord = {
  name: 'le',
  compile: (parameter) => {
    const bound = leadingInteger(parameter);
    return (value) => leadingInteger(value.text) <= bound;
  },
};
