import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';

/** `redirect:URL`: the answer sends the client there. The URL may hold macros. */
export const redirect: ActionWord = {
  name: 'redirect',
  value: 'required',
  apply: (draft, value) => {
    draft.disruption = { kind: 'redirect', url: compileTemplate(value) };
  },
};
