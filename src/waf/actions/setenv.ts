import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `setenv:name=value`: read by the variable ENV, for this request only. `setenv:!name` removes. */
export const setenv: ActionWord = {
  name: 'setenv',
  value: 'required',
  apply: (draft, value) => {
    const [, not, name, text] = /^(!?)([^=]+)(?:=(.*))?$/s.exec(value) ?? [];
    if (name === undefined) throw new SecLangReason(`setenv:${value} is not of the form name=value`);
    const key = compileTemplate(name);
    const set = compileTemplate(text ?? '1');
    draft.runs.push(
      not === '!'
        ? (state) => state.env.delete(key.expand(state))
        : (state) => state.env.set(key.expand(state), set.expand(state)),
    );
  },
};
