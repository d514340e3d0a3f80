// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { BodyProcessor } from '../parsed-body.ts';
import { openCollection } from './actions/open-collection.ts';
import { REMOVALS } from './controls/rule-removals.ts';
import type { Entry, NamedValues } from './entry.ts';
import type { Interruption, RuleMatch, WafMode } from './inspection.ts';
import type { RunAction } from './rule.ts';
import type { EngineSettings, RequestState } from './state.ts';

/**
 * What rules have made of a request between two phases: plain data that structured clone takes to another thread, which
 * goes on by the same rules. What follows from the request itself is not in it. Immutable.
 */
export interface InspectionSnapshot {
  readonly mode: WafMode;
  readonly requestBodyAccess: boolean;
  readonly responseBodyAccess: boolean;
  readonly audit: EngineSettings['audit'];
  readonly auditParts: string;
  readonly processorAsked: BodyProcessor | null;
  readonly forcesRequestBody: boolean;
  /** `ctl:ruleRemove...` that ran, as they are written. */
  readonly removals: readonly ByteText[];
  readonly tx: readonly Entry[];
  readonly env: readonly Entry[];
  /** TX.0 to TX.9. */
  readonly captured: readonly (ByteText | undefined)[];
  /** Collection, key: what `initcol` and the like opened. Their contents are shared memory. */
  readonly opened: readonly (readonly [string, ByteText])[];
  readonly userId: ByteText;
  readonly sessionId: ByteText;
  readonly resourceId: ByteText;
  readonly matched: readonly Entry[];
  readonly highestSeverity: number;
  readonly matches: readonly RuleMatch[];
  readonly interruption: Interruption | null;
  readonly allowedUpTo: number;
}

export function snapshotOf(state: RequestState): InspectionSnapshot {
  return {
    mode: state.mode,
    requestBodyAccess: state.requestBodyAccess,
    responseBodyAccess: state.responseBodyAccess,
    audit: state.audit,
    auditParts: state.auditParts,
    processorAsked: state.processorAsked,
    forcesRequestBody: state.forcesRequestBody,
    removals: state.removals.words,
    tx: state.tx.entries().map(plain),
    env: state.env.entries().map(plain),
    captured: state.captured.groups,
    opened: [...state.openedKeys],
    userId: state.userId,
    sessionId: state.sessionId,
    resourceId: state.resourceId,
    matched: state.matched.map(plain),
    highestSeverity: state.highestSeverity,
    matches: [...state.matches],
    interruption: state.interruption,
    allowedUpTo: state.allowedUpTo,
  };
}

/** Without what is kept of its value, which belongs to this thread. */
const plain = ({ name, value }: Entry): Entry => ({ name, value });

/** Brings the state of a request to where another thread left it. @param state  Of the same request and rules. */
export function restore(state: RequestState, snapshot: InspectionSnapshot): void {
  state.mode = snapshot.mode;
  state.requestBodyAccess = snapshot.requestBodyAccess;
  state.responseBodyAccess = snapshot.responseBodyAccess;
  state.audit = snapshot.audit;
  state.auditParts = snapshot.auditParts;
  state.processorAsked = snapshot.processorAsked;
  state.forcesRequestBody = snapshot.forcesRequestBody;
  for (const words of snapshot.removals) removalOf(words)(state);
  refill(state.tx, snapshot.tx);
  refill(state.env, snapshot.env);
  state.captured.groups = [...snapshot.captured];
  for (const [collection, key] of snapshot.opened) openCollection(state, collection, key);
  state.userId = snapshot.userId;
  state.sessionId = snapshot.sessionId;
  state.resourceId = snapshot.resourceId;
  state.matched = [...snapshot.matched];
  state.highestSeverity = snapshot.highestSeverity;
  state.matches.length = 0;
  for (const match of snapshot.matches) state.matches.push(match);
  state.interruption = snapshot.interruption;
  state.allowedUpTo = snapshot.allowedUpTo;
}

/** Names are compared without regard to case, and keep their order. */
function refill(values: NamedValues, entries: readonly Entry[]): void {
  for (const { name } of values.entries()) values.delete(name);
  for (const { name, value } of entries) values.set(name, value);
}

/** Removals by their words. As many as the rules of this thread have: what a request sends is never part of them. */
const removals = new Map<ByteText, RunAction>();

/** @param words  Of a `ctl` that was compiled before, so this compiles too. */
function removalOf(words: ByteText): RunAction {
  const known = removals.get(words);
  if (known !== undefined) return known;
  const equals = words.indexOf('=');
  const name = words.slice(0, equals);
  const removal = REMOVALS.find((control) => control.name === name)?.compile(words.slice(equals + 1)) ?? NOTHING;
  removals.set(words, removal);
  return removal;
}

const NOTHING: RunAction = () => {};
