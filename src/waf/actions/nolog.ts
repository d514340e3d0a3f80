import type { ActionWord } from '../action.ts';

/** `nolog`: the match belongs in no log, unless `auditlog` follows. */
export const nolog: ActionWord = {
  name: 'nolog',
  value: 'none',
  apply: (draft) => {
    draft.logged = false;
    draft.audited = false;
  },
};
