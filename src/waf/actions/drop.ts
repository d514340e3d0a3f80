import type { ActionWord } from '../action.ts';

/** `drop`: the connection ends without an answer. */
export const drop: ActionWord = {
  name: 'drop',
  value: 'none',
  apply: (draft) => {
    draft.disruption = { kind: 'drop' };
  },
};
