import type { ActionWord } from '../action.ts';

/** `auditlog`: the match belongs in the audit log. */
export const auditlog: ActionWord = {
  name: 'auditlog',
  value: 'none',
  apply: (draft) => {
    draft.audited = true;
  },
};
