import type { ActionWord } from '../action.ts';
import { compileTemplate } from '../macros.ts';
import { COLLECTION_NAMES, isCollection } from '../open-collections.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { openCollection } from './open-collection.ts';

/** `initcol:ip=%{REMOTE_ADDR}`: opens a collection that outlives the request, shared by all threads. */
export const initcol: ActionWord = {
  name: 'initcol',
  value: 'required',
  apply: (draft, value) => {
    const [, collection, key] = /^([A-Za-z]+)=(.+)$/s.exec(value) ?? [];
    if (collection === undefined || key === undefined) {
      throw new SecLangReason(`initcol:${value} is not of the form ip=key`);
    }
    const lower = collection.toLowerCase();
    if (!isCollection(lower)) {
      throw new SecLangReason(`initcol:${value}: the collections are ${COLLECTION_NAMES.join(', ')}`);
    }
    const template = compileTemplate(key);
    draft.runs.push((state) => openCollection(state, lower, template.expand(state)));
  },
};
