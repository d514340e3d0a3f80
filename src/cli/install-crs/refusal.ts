import { SallyportError } from '../../errors.ts';

/** What was found, where, and what to do. */
export function refusal(words: string, cause?: unknown): SallyportError {
  return new SallyportError('SP_RULE_SET_INSTALL', words, {}, cause === undefined ? {} : { cause });
}
