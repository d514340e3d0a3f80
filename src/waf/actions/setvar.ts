import type { ByteText } from '../../base/byte-text.ts';
import type { ActionWord } from '../action.ts';
import { numberOf } from '../entry.ts';
import { compileTemplate } from '../macros.ts';
import { COLLECTION_NAMES, isCollection } from '../open-collections.ts';
import type { RunAction } from '../rule.ts';
import { SecLangReason } from '../seclang/reason.ts';
import type { Template } from '../template.ts';

/**
 * `setvar:tx.a` sets 1, `setvar:tx.a=words` a value, `setvar:tx.a=+5` adds, `setvar:tx.a=-5` takes away, `setvar:!tx.a`
 * removes. Collections: TX, and those that `initcol` opens. Name and value may hold macros.
 */
export const setvar: ActionWord = {
  name: 'setvar',
  value: 'required',
  apply: (draft, value) => {
    draft.runs.push(compileSetvar(value));
  },
};

function compileSetvar(value: ByteText): RunAction {
  const parts = /^(!?)([A-Za-z]+)\.([^=]+)(?:=(.*))?$/s.exec(value);
  if (parts === null) throw new SecLangReason(`setvar:${value} is not of the form tx.name=value`);
  const [, not, collection = '', name = '', text = '1'] = parts;
  const store = storeNamed(collection.toLowerCase(), value);
  const key = compileTemplate(name);
  if (not === '!') return store.unset(key);
  if (/^[+-]/.test(text)) return store.add(key, text.startsWith('-') ? -1 : 1, compileTemplate(text.slice(1)));
  return store.set(key, compileTemplate(text));
}

/** What can be written: makes the runs of one collection. */
interface Store {
  unset(key: Template): RunAction;
  set(key: Template, value: Template): RunAction;
  /** @param sign  1 to add, -1 to take away. */
  add(key: Template, sign: number, by: Template): RunAction;
}

function storeNamed(lower: string, value: ByteText): Store {
  if (lower === 'tx') return TX_STORE;
  if (isCollection(lower)) return openedStore(lower);
  throw new SecLangReason(`setvar:${value}: ${lower} cannot be written; TX, ${COLLECTION_NAMES.join(', ')} can`);
}

const TX_STORE: Store = {
  unset: (key) => (state) => state.tx.delete(key.expand(state)),
  set: (key, value) => (state) => state.tx.set(key.expand(state), value.expand(state)),
  add: (key, sign, by) => (state) => {
    const name = key.expand(state);
    const before = numberOf(state.tx.find(name.toLowerCase())?.value ?? '');
    state.tx.set(name, String(before + sign * numberOf(by.expand(state))));
  },
};

/** Collections that are not open take nothing, as in ModSecurity. */
function openedStore(lower: string): Store {
  return {
    unset: (key) => (state) => state.opened.get(lower)?.unset(key.expand(state)),
    set: (key, value) => (state) => state.opened.get(lower)?.set(key.expand(state), value.expand(state)),
    add: (key, sign, by) => (state) =>
      state.opened.get(lower)?.add(key.expand(state), sign * numberOf(by.expand(state))),
  };
}
