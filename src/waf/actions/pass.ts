import type { ActionWord } from '../action.ts';

/** `pass`: the request goes on. */
export const pass: ActionWord = {
  name: 'pass',
  value: 'none',
  apply: (draft) => {
    draft.disruption = null;
  },
};
