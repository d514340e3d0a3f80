// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';

/** `@streq`: value and parameter are the same, case included. */
export const streq: OperatorWord = {
  name: 'streq',
  needs: (parameter) => clausesOfTexts([parameter]),
  compile: (parameter) => (value) => value.text === parameter,
};
