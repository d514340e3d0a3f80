// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { searchFor } from './text-search.ts';

/** `@within`: the value occurs in the parameter, case included. The empty value does. */
export const within: OperatorWord = {
  name: 'within',
  compile: (parameter) => (value) => {
    return value.text.length <= parameter.length && searchFor(value.text)(parameter);
  },
};
