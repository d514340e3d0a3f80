// hot path: synchronous, never throws
import type { OperatorWord } from '../operator.ts';
import { dataLines } from './data-lines.ts';
import { addressTestOf } from './ip-match.ts';

/** `@ipMatchFromFile`: as `@ipMatch`, with a range on each line of a file. */
export const ipMatchFromFile: OperatorWord = {
  name: 'ipMatchFromFile',
  compile: (parameter, context) => addressTestOf('ipMatchFromFile', dataLines('ipMatchFromFile', parameter, context)),
};

/** `@ipMatchF`: the same. */
export const ipMatchF: OperatorWord = { name: 'ipMatchF', compile: ipMatchFromFile.compile };
