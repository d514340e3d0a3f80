import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';
import type { RequestState } from './state.ts';

/** One SecLang variable. Reading never throws. */
export type Variable = ScalarVariable | CollectionVariable;

export interface ScalarVariable {
  readonly kind: 'scalar';
  readonly read: (state: RequestState) => ByteText;
}

export interface CollectionVariable {
  readonly kind: 'collection';
  readonly entries: (state: RequestState) => readonly Entry[];
  /** The members of one name, where that is cheaper than a walk. @param lower  Lower-case name. */
  readonly find?: (state: RequestState, lower: ByteText) => readonly Entry[];
  /** The members whose names pass, where that is cheaper than to choose among all of them. */
  readonly select?: (state: RequestState, names: (name: ByteText) => boolean) => readonly Entry[];
}

export const scalar = (read: ScalarVariable['read']): ScalarVariable => Object.freeze({ kind: 'scalar', read });

export const collection = (
  entries: CollectionVariable['entries'],
  find?: CollectionVariable['find'],
  select?: CollectionVariable['select'],
): CollectionVariable =>
  Object.freeze({
    kind: 'collection',
    entries,
    ...(find === undefined ? {} : { find }),
    ...(select === undefined ? {} : { select }),
  });

/** A collection whose values are the names of another: ARGS_NAMES. @param entries  Gives the same array each time. */
export const namesOf = (entries: CollectionVariable['entries']): CollectionVariable =>
  collection((state) => state.namesOf(entries(state)));
