const REASON_LENGTH_MAX = 200;

export const REASON_WORDS = `reason must be text of at most ${REASON_LENGTH_MAX} characters, without control characters.`;

/** A line of the log and of a list must stay one. */
function hasControl(text: string): boolean {
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

/** RFC 3339, as far as there is no doubt about it: with seconds, and the offset that says which moment is meant. */
const MOMENT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** @returns  Milliseconds since 1970; NaN for what is no moment, a 30th of February too. */
export function momentOf(text: unknown): number {
  const day = typeof text === 'string' ? (MOMENT.exec(text)?.[1] ?? '') : '';
  const midnightMs = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnightMs) || !new Date(midnightMs).toISOString().startsWith(day)) return Number.NaN;
  return Date.parse(text as string);
}

/** @param reason  As an operator gave it. @returns  True for what is none. */
export function noReason(reason: unknown): boolean {
  return typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX || hasControl(reason);
}
