import type { ActionWord } from '../action.ts';

/** `multiMatch`: the operator looks at the value as it is, and after each transformation that changes it. */
export const multiMatch: ActionWord = {
  name: 'multiMatch',
  value: 'none',
  apply: (draft) => {
    draft.multiMatch = true;
  },
};
