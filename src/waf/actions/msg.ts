import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';

/** `msg:'words'`: what a log says of the match. May hold macros. */
export const msg: ActionWord = {
  name: 'msg',
  value: 'required',
  apply: (draft, value) => {
    draft.message = compileTemplate(value);
  },
};
