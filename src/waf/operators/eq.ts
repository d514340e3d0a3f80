// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { leadingInteger } from './decimal.ts';

/** `@eq`: the value's number is the parameter's. */
export const eq: OperatorWord = {
  name: 'eq',
  compile: (parameter) => {
    const bound = leadingInteger(parameter);
    return (value) => leadingInteger(value.text) === bound;
  },
};
