import type { ActionWord } from '../action.ts';

/** `capture`: what the operator found goes to TX.0 to TX.9. */
export const capture: ActionWord = {
  name: 'capture',
  value: 'none',
  apply: (draft) => {
    draft.captures = true;
  },
};
