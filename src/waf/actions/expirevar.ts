import type { ActionWord } from '../action.ts';
import { numberOf } from '../entry.ts';
import { compileTemplate } from '../macros.ts';
import { COLLECTION_NAMES, isCollection } from '../open-collections.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** `expirevar:ip.blocked=600`: the variable is gone after so many seconds. */
export const expirevar: ActionWord = {
  name: 'expirevar',
  value: 'required',
  apply: (draft, value) => {
    const [, collection, name, seconds] = /^([A-Za-z]+)\.([^=]+)=(.+)$/s.exec(value) ?? [];
    if (collection === undefined || name === undefined || seconds === undefined) {
      throw new SecLangReason(`expirevar:${value} is not of the form ip.name=seconds`);
    }
    const lower = collection.toLowerCase();
    if (!isCollection(lower)) {
      throw new SecLangReason(`expirevar:${value}: only variables of ${COLLECTION_NAMES.join(', ')} expire`);
    }
    const key = compileTemplate(name);
    const after = compileTemplate(seconds);
    draft.runs.push((state) => state.opened.get(lower)?.expire(key.expand(state), numberOf(after.expand(state))));
  },
};
