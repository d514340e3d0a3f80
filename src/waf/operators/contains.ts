// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';
import { searchFor } from './text-search.ts';

/** `@contains`: the parameter occurs in the value, case included. */
export const contains: OperatorWord = {
  name: 'contains',
  needs: (parameter) => clausesOfTexts([parameter]),
  compile: (parameter) => {
    const holds = searchFor(parameter);
    return (value) => holds(value.text);
  },
};
