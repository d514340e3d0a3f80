import type { ActionWord } from '../action.ts';

/** `deny`: the request ends with the status of the rule. */
export const deny: ActionWord = {
  name: 'deny',
  value: 'none',
  apply: (draft) => {
    draft.disruption = { kind: 'deny' };
  },
};
