import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';
import { openCollection } from './open-collection.ts';

/** `setsid:%{...}`: says who the session is, and opens the collection SESSION of it. */
export const setsid: ActionWord = {
  name: 'setsid',
  value: 'required',
  apply: (draft, value) => {
    const template = compileTemplate(value);
    draft.runs.push((state) => {
      state.sessionId = template.expand(state);
      openCollection(state, 'session', state.sessionId);
    });
  },
};
