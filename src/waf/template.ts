// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { RequestState } from './state.ts';

/** Text with macros. */
export interface Template {
  /** The text where it has no macros; null where it depends on the request. */
  readonly constant: ByteText | null;
  readonly expand: (state: RequestState) => ByteText;
}

/** One macro: `%{tx.a}`. */
export type MacroRead = (state: RequestState) => ByteText;

/** Joins what the parts say. @param parts  Text, or what reads a macro. */
export function templateOf(parts: readonly (ByteText | MacroRead)[]): Template {
  if (parts.every((part) => typeof part === 'string')) {
    const constant = parts.join('');
    return Object.freeze({ constant, expand: () => constant });
  }
  const only = parts.length === 1 ? (parts[0] as MacroRead) : null;
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
