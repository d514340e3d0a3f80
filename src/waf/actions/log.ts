import type { ActionWord } from '../action.ts';

/** `log`: the match belongs in the log, and in the audit log. */
export const log: ActionWord = {
  name: 'log',
  value: 'none',
  apply: (draft) => {
    draft.logged = true;
    draft.audited = true;
  },
};
