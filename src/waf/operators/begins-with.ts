// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';

/** `@beginsWith`: the value begins with the parameter. */
export const beginsWith: OperatorWord = {
  name: 'beginsWith',
  compile: (parameter) => (value) => value.text.startsWith(parameter),
};
