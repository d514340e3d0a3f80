import type { ActionWord } from '../action.ts';

/** `skipAfter:END-HOST-CHECK`: the rules of the phase up to that SecMarker do not run. */
export const skipAfter: ActionWord = {
  name: 'skipAfter',
  value: 'required',
  apply: (draft, value) => {
    draft.skipAfter = value;
  },
};
