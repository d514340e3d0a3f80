import type { ActionWord } from '../action.ts';

/** `ver:'OWASP_CRS/4.0.0'`: version of the rule set, for logs. */
export const ver: ActionWord = {
  name: 'ver',
  value: 'required',
  apply: (draft, value) => {
    draft.version = value;
  },
};
