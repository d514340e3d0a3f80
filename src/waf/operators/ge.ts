// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { leadingInteger } from './decimal.ts';

/** `@ge`: the value's number is at least the parameter's. */
export const ge: OperatorWord = {
  name: 'ge',
  compile: (parameter) => {
    const bound = leadingInteger(parameter);
    return (value) => leadingInteger(value.text) >= bound;
  },
};
