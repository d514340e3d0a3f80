// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';
import type { TargetSelector } from './removals.ts';
import type { RequestState } from './state.ts';
import type { ScalarVariable } from './variable.ts';

/** One variable that a rule looks at. Immutable. */
export type Target = ScalarTarget | MembersTarget | CountTarget;

export interface ScalarTarget {
  readonly kind: 'scalar';
  /** `REQUEST_URI`. */
  readonly variable: string;
  readonly read: ScalarVariable['read'];
}

/** Members of a collection: those that were selected, without those that the rule excludes. */
export interface MembersTarget {
  readonly kind: 'members';
  readonly variable: string;
  readonly entries: (state: RequestState) => readonly Entry[];
  /** The same with those that the rule excludes, and who they are; null where it excludes none. */
  readonly whole: WholeTarget | null;
}

export interface WholeTarget {
  readonly entries: (state: RequestState) => readonly Entry[];
  readonly excludes: (name: ByteText) => boolean;
}

/** How many members there are: `&ARGS`. */
export interface CountTarget {
  readonly kind: 'count';
  readonly variable: string;
  /** What is counted, for people: `ARGS:id`. */
  readonly label: ByteText;
  readonly entries: (state: RequestState) => readonly Entry[];
}

/** Takes out of members what `ctl:ruleRemoveTarget...` took from this request. */
export function withoutRemoved(
  variable: string,
  entries: readonly Entry[],
  removed: readonly TargetSelector[],
): readonly Entry[] {
  const about = removed.filter((target) => target.variable === variable);
  if (about.length === 0) return entries;
  return entries.filter(({ name }) => !about.some(({ names }) => names === null || names(name)));
}

/** Is the whole variable taken out? */
export function isRemoved(variable: string, removed: readonly TargetSelector[]): boolean {
  return removed.some((target) => target.variable === variable && target.names === null);
}

/** `ARGS:id`: how a member is called in logs and by MATCHED_VAR_NAME. */
export function memberName(variable: string, name: ByteText): ByteText {
  return `${variable}:${name}`;
}
