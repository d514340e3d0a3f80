// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';

/** `@beginsWith`: the value begins with the parameter. */
export const beginsWith: OperatorWord = {
  name: 'beginsWith',
  needs: (parameter) => clausesOfTexts([parameter]),
  compile: (parameter) => (value) => value.text.startsWith(parameter),
};
