import type { ActionWord } from '../action.ts';

/** `t:lowercase`: a transformation, in the order in which they stand; `t:none` forgets those before it. */
export const t: ActionWord = {
  name: 't',
  value: 'required',
  apply: (draft, value) => {
    if (value.toLowerCase() === 'none') draft.transformations = [];
    else draft.transformations.push(value);
  },
};
