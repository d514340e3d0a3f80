import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';

/** `logdata:'words'`: what the match found, for logs. May hold macros. */
export const logdata: ActionWord = {
  name: 'logdata',
  value: 'required',
  apply: (draft, value) => {
    draft.data = compileTemplate(value);
  },
};
