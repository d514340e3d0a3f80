// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';
import { dataLines } from './data-lines.ts';
import { testOf } from './pm.ts';

/** `@pmFromFile`: one of the file's lines occurs in the value, ASCII case ignored. Capture: the line, trimmed. */
export const pmFromFile: OperatorWord = {
  name: 'pmFromFile',
  needs: (parameter, context) => clausesOfTexts(dataLines('pmFromFile', parameter, context)),
  compile: (parameter, context) => testOf(dataLines('pmFromFile', parameter, context)),
};

/** `@pmf`: the same. */
export const pmf: OperatorWord = { ...pmFromFile, name: 'pmf' };
