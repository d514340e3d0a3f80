// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { remembered } from '../base/remembered.ts';
import type { RequestState } from './state.ts';

/** Text with macros. */
export interface Template {
  /** The text where it has no macros; null where it depends on the request. */
  readonly constant: ByteText | null;
  readonly expand: (state: RequestState) => ByteText;
}

/** One macro: `%{tx.a}`. */
export type MacroRead = (state: RequestState) => ByteText;

/** Texts that one template keeps, and how long the macro's value may be in them. */
const TEXTS_MAX = 256;
const VALUE_BYTES_MAX = 64;

/** Names of variables are made of names of fields: the same texts again and again, whose hashes are known by then. */
function withOneMacro(parts: readonly (ByteText | MacroRead)[], read: MacroRead): MacroRead {
  const joined = (value: ByteText) => parts.map((part) => (typeof part === 'string' ? part : value)).join('');
  const textOf = remembered(joined, TEXTS_MAX, VALUE_BYTES_MAX);
  return (state) => textOf(read(state));
}

/** Joins what the parts say. @param parts  Text, or what reads a macro. */
export function templateOf(parts: readonly (ByteText | MacroRead)[]): Template {
  if (parts.every((part) => typeof part === 'string')) {
    const constant = parts.join('');
    return Object.freeze({ constant, expand: () => constant });
  }
  const only = parts.length === 1 ? (parts[0] as MacroRead) : null;
  const reads = parts.filter((part) => typeof part !== 'string');
  if (only === null && reads.length === 1)
    return Object.freeze({ constant: null, expand: withOneMacro(parts, reads[0] as MacroRead) });
  return Object.freeze({
    constant: null,
    expand:
      only ??
      ((state: RequestState) => {
        let text = '';
        for (const part of parts) text += typeof part === 'string' ? part : part(state);
        return text;
      }),
  });
}
