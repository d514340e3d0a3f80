import type { ActionWord } from '../action.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `status:403`: of the answer, where the rule denies or redirects. */
export const status: ActionWord = {
  name: 'status',
  value: 'required',
  apply: (draft, value) => {
    if (!/^[1-5]\d\d$/.test(value)) throw new SecLangReason(`status:${value} is no HTTP status`);
    draft.status = Number(value);
  },
};
