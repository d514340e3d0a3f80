import type { ActionWord } from '../action.ts';

/** `rev:2`: revision of the rule, for logs. */
export const rev: ActionWord = {
  name: 'rev',
  value: 'required',
  apply: (draft, value) => {
    draft.revision = value;
  },
};
