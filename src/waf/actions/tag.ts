import type { ActionWord } from '../action.ts';

/** `tag:'attack-sqli'`: what the rule is about. Exclusions go by it. */
export const tag: ActionWord = {
  name: 'tag',
  value: 'required',
  apply: (draft, value) => {
    draft.tags.push(value);
  },
};
