import type { ActionWord } from '../action.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `skipAfter:END-HOST-CHECK`: the rules of the phase up to that SecMarker do not run. */
export const skipAfter: ActionWord = {
  name: 'skipAfter',
  value: 'required',
  apply: (draft, value) => {
    if (value.includes('%{')) throw new SecLangReason(`skipAfter:${value}: a marker is a fixed name, without macros`);
    draft.skipAfter = value;
  },
};
