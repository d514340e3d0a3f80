import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';
import { openCollection } from './open-collection.ts';

/** `setrsc:%{...}`: says what the resource is, and opens the collection RESOURCE of it. */
export const setrsc: ActionWord = {
  name: 'setrsc',
  value: 'required',
  apply: (draft, value) => {
    const template = compileTemplate(value);
    draft.runs.push((state) => {
      state.resourceId = template.expand(state);
      openCollection(state, 'resource', state.resourceId);
    });
  },
};
