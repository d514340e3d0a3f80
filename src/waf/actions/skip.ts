import type { ActionWord } from '../action.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `skip:2`: so many rules of the phase behind this one do not run. A chain counts as one. */
export const skip: ActionWord = {
  name: 'skip',
  value: 'required',
  apply: (draft, value) => {
    if (!/^[1-9]\d{0,5}$/.test(value)) throw new SecLangReason(`skip:${value} is no number of rules`);
    draft.skip = Number(value);
  },
};
