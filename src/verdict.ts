import type { ErrorCode } from './errors.ts';

/** What a phase says of a transaction. A value, never a boolean: the caller switches on `kind`. */
export type Verdict = Pass | Refusal | Pending;

/** The next phase may look. */
export interface Pass {
  readonly kind: 'pass';
}

/** Somebody outside (an upstream, a worker) will call `resume`; the phase list stops here until then. */
export interface Pending {
  readonly kind: 'pending';
}

/** The request ends here with the problem document of `code`. */
export interface Refusal {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  /** Client-safe words about this very request, or undefined where the table's sentence says all. */
  readonly detail: string | undefined;
  /** Extra response fields as name, value, name, value: `Allow`, `Retry-After`. */
  readonly fields: readonly string[] | undefined;
  /** Extra members of the problem document, JSON text without braces: `"retry_after":60`. */
  readonly members?: string;
  /** Instead of the code's own status; 0 closes the connection without an answer. */
  readonly status?: number;
}

export const PASS: Pass = Object.freeze({ kind: 'pass' });
export const PENDING: Pending = Object.freeze({ kind: 'pending' });

const plain = new Map<ErrorCode, Refusal>();

/**
 * A refusal as a value. Without detail and fields the same frozen object is given each time, so that a flood of
 * refused requests allocates nothing here.
 *
 * @param code    A row of `src/errors.ts`.
 * @param detail  Client-safe words; no secrets, no internal addresses.
 * @param fields  Extra response fields as name, value pairs in one flat array.
 * @param members Extra members of the problem document, JSON text without braces.
 */
export function refuse(code: ErrorCode, detail?: string, fields?: readonly string[], members?: string): Refusal {
  if (members !== undefined) return { kind: 'refuse', code, detail, fields, members };
  if (detail !== undefined || fields !== undefined) return { kind: 'refuse', code, detail, fields };
  let verdict = plain.get(code);
  if (verdict === undefined) {
    verdict = Object.freeze({ kind: 'refuse' as const, code, detail: undefined, fields: undefined });
    plain.set(code, verdict);
  }
  return verdict;
}

/** A refusal with another status than its code's. @param status  As in `Refusal`. */
export function refuseAs(status: number, code: ErrorCode, fields?: readonly string[]): Refusal {
  return { kind: 'refuse', code, detail: undefined, fields, status };
}
