import { createHash } from 'node:crypto';
import { isCount, isText, parseObject } from '../records/reading.ts';
import { REVOCATION_KINDS, type RevocationKind } from './kinds.ts';

/** A revocation in words: what the main thread knows, files hold and machines tell each other. Wall clock, ms. */
export interface RevocationRecord {
  readonly kind: RevocationKind;
  /** Name of the issuer in the configuration; '' for API keys. */
  readonly issuer: string;
  /** `jti`, `sub`, client id or key id. */
  readonly value: string;
  readonly sinceMs: number;
  /** Until then it holds. After a lift it is remembered until then. */
  readonly untilMs: number;
  /** Tokens issued until then; 0 for all, whenever they were issued. */
  readonly issuedUntilMs: number;
  readonly reason: string;
  /** Name of the machine that it was made on. */
  readonly node: string;
  /** When it was made; later than any lift that it follows. */
  readonly changedMs: number;
  /** When it was last lifted, 0 for never: what was made by then does not hold. */
  readonly liftedMs: number;
}

const ISSUER_LENGTH_MAX = 64;
export const VALUE_LENGTH_MAX = 2_048;
export const REASON_LENGTH_MAX = 200;
const NODE_LENGTH_MAX = 255;
/** The longest revocation, seconds: a year. */
export const SECONDS_MAX = 31_536_000;
const DAY_MS = 86_400_000;
/** Longest line of a file, and longest message of another machine, characters: every one of them escaped. */
export const RECORD_LENGTH_MAX = 16_384;

/** The name of a revocation on every machine. */
export function revocationId({ kind, issuer, value }: Pick<RevocationRecord, 'kind' | 'issuer' | 'value'>): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, issuer, value]))
    .digest('hex')
    .slice(0, 24);
}

/**
 * Reads a record that came from outside.
 *
 * @param nowMs  Wall clock: what lies further ahead than any revocation can is refused.
 * @returns  Null for anything that this program would not have written.
 */
export function parseRecord(text: string, nowMs: number): RevocationRecord | null {
  const given = text.length > RECORD_LENGTH_MAX ? null : parseObject(text);
  if (given === null || Object.keys(given).length !== 10) return null;
  const { kind, issuer, value, sinceMs, untilMs, issuedUntilMs, reason, node, changedMs, liftedMs } = given;
  const known = REVOCATION_KINDS.find((name) => name === kind);
  if (known === undefined || !isText(issuer, known === 'key' ? 0 : 1, known === 'key' ? 0 : ISSUER_LENGTH_MAX)) {
    return null;
  }
  if (!isText(value, 1, VALUE_LENGTH_MAX) || !isText(reason, 0, REASON_LENGTH_MAX)) return null;
  if (!isText(node, 0, NODE_LENGTH_MAX)) return null;
  // A day more, for clocks that differ.
  const tomorrow = nowMs + DAY_MS;
  const latest = tomorrow + SECONDS_MAX * 1_000;
  if (!isCount(untilMs, latest) || !isCount(issuedUntilMs, latest)) return null;
  if (!isCount(sinceMs, tomorrow) || !isCount(changedMs, tomorrow) || !isCount(liftedMs, tomorrow)) return null;
  return { kind: known, issuer, value, sinceMs, untilMs, issuedUntilMs, reason, node, changedMs, liftedMs };
}

/** One line, without its end. */
export function formatRecord(record: RevocationRecord): string {
  const { kind, issuer, value, sinceMs, untilMs, issuedUntilMs, reason, node, changedMs, liftedMs } = record;
  return JSON.stringify({
    kind,
    issuer,
    value,
    sinceMs,
    untilMs,
    issuedUntilMs,
    reason,
    node,
    changedMs,
    liftedMs,
  });
}

/**
 * Joins what two sources say about one thing: what was made before the last lift does not hold, and of two that do the
 * longer time and the more tokens count. Machines that tell each other what they make of it come to the same.
 */
export function mergeRecords(a: RevocationRecord, b: RevocationRecord): RevocationRecord {
  const liftedMs = Math.max(a.liftedMs, b.liftedMs);
  const [later, other] = isLater(b, a) ? [b, a] : [a, b];
  // Remembered for as long as either may be told of.
  const untilMs = Math.max(a.untilMs, b.untilMs);
  if (later.changedMs <= liftedMs) return { ...later, untilMs, liftedMs };
  if (other.changedMs <= liftedMs) return { ...later, liftedMs };
  const all = a.issuedUntilMs === 0 || b.issuedUntilMs === 0;
  return { ...later, untilMs, issuedUntilMs: all ? 0 : Math.max(a.issuedUntilMs, b.issuedUntilMs), liftedMs };
}

export function isLifted({ changedMs, liftedMs }: RevocationRecord): boolean {
  return liftedMs >= changedMs;
}

/** Of two of one time any one will do, but the same one everywhere, whatever was joined to it before. */
function isLater(a: RevocationRecord, b: RevocationRecord): boolean {
  return a.changedMs > b.changedMs || (a.changedMs === b.changedMs && wordsOf(a) > wordsOf(b));
}

/** What is not joined comes first. */
function wordsOf({ sinceMs, reason, node, untilMs, issuedUntilMs, liftedMs }: RevocationRecord): string {
  return JSON.stringify([sinceMs, reason, node, untilMs, issuedUntilMs, liftedMs]);
}
