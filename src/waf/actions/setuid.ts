import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';
import { openCollection } from './open-collection.ts';

/** `setuid:%{...}`: says who the user is, and opens the collection USER of it. */
export const setuid: ActionWord = {
  name: 'setuid',
  value: 'required',
  apply: (draft, value) => {
    const template = compileTemplate(value);
    draft.runs.push((state) => {
      state.userId = template.expand(state);
      openCollection(state, 'user', state.userId);
    });
  },
};
