// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';

/** `@endsWith`: the value ends with the parameter. */
export const endsWith: OperatorWord = {
  name: 'endsWith',
  compile: (parameter) => (value) => value.text.endsWith(parameter),
};
