const REASON_LENGTH_MAX = 200;

export const REASON_WORDS = `reason must be text of at most ${REASON_LENGTH_MAX} characters, without control characters.`;

/** A line of the log and of a list must stay one. */
export function hasControl(text: string): boolean {
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

/** @param reason  As an operator gave it. @returns  True for what is none. */
export function noReason(reason: unknown): boolean {
  return typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX || hasControl(reason);
}
