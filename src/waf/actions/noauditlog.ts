import type { ActionWord } from '../action.ts';

/** `noauditlog`: the match does not belong in the audit log. */
export const noauditlog: ActionWord = {
  name: 'noauditlog',
  value: 'none',
  apply: (draft) => {
    draft.audited = false;
  },
};
