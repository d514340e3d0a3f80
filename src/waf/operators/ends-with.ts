// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';

/** `@endsWith`: the value ends with the parameter. */
export const endsWith: OperatorWord = {
  name: 'endsWith',
  needs: (parameter) => clausesOfTexts([parameter]),
  compile: (parameter) => (value) => value.text.endsWith(parameter),
};
