// hot path: synchronous, never throws
import type { Entry } from '../entry.ts';
import { collection, namesOf, scalar, type Variable } from '../variable.ts';

/** Arguments of the query and of the body. */
export const ARGUMENT_VARIABLES: Readonly<Record<string, Variable>> = {
  ARGS: collection((state) => state.allArguments),
  ARGS_COMBINED_SIZE: scalar((state) => String(combinedSize(state.allArguments))),
  ARGS_GET: collection((state) => state.getArguments),
  ARGS_GET_NAMES: namesOf((state) => state.getArguments),
  ARGS_NAMES: namesOf((state) => state.allArguments),
  ARGS_POST: collection((state) => state.postArguments),
  ARGS_POST_NAMES: namesOf((state) => state.postArguments),
};

/** Bytes of all names and values. */
function combinedSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const { name, value } of entries) size += name.length + value.length;
  return size;
}
