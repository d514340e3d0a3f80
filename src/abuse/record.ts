import { createHash } from 'node:crypto';
import { isCount, isText, parseObject } from '../records/reading.ts';
import { KEY_LENGTH_MAX } from './key-text.ts';

/** A ban in words: what the main thread knows, files hold and machines tell each other. Times are wall clock, ms. */
export interface BanRecord {
  /** Name of the rule, or `manual`. */
  readonly rule: string;
  /** `address`, `header:x-user`, or several joined by `+`. */
  readonly kind: string;
  /** Text of the key. */
  readonly value: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Until then its strikes are remembered. */
  readonly rememberedMs: number;
  /** Bans in a row; 0 after a lift. */
  readonly strikes: number;
  readonly reason: string;
  /** Name of the machine that made it. */
  readonly node: string;
  /** When it was made; later than any lift that it follows. */
  readonly changedMs: number;
  /** When the key was last lifted, 0 for never: bans made by then do not hold. */
  readonly liftedMs: number;
}

const NAME_LENGTH_MAX = 64;
export const KIND_LENGTH_MAX = 1_024;
export const REASON_LENGTH_MAX = 200;
const NODE_LENGTH_MAX = 255;
/** Longest ban the schema knows, and as long again for its strikes, and a day for clocks that differ. */
const AHEAD_MS_MAX = 2 * 2_678_400_000 + 86_400_000;
const STRIKES_MAX = 1_000_000;
/** Longest line of a file, and longest message of another machine, characters: every one of them escaped. */
export const RECORD_LENGTH_MAX = 16_384;

/** The name of a ban on every machine: it tells nothing of the key. */
export function banId({ rule, kind, value }: Pick<BanRecord, 'rule' | 'kind' | 'value'>): string {
  return createHash('sha256').update(`${rule}\n${kind}\n${value}`).digest('hex').slice(0, 24);
}

/**
 * Reads a record that came from outside.
 *
 * @param text   JSON.
 * @param nowMs  Wall clock: what lies further ahead than any ban can is refused.
 * @returns  Null for anything that this program would not have written.
 */
export function parseRecord(text: string, nowMs: number): BanRecord | null {
  if (text.length > RECORD_LENGTH_MAX) return null;
  const value = parseObject(text);
  if (value === null || Object.keys(value).length !== 11) return null;
  const { rule, kind, value: key, sinceMs, untilMs, rememberedMs, strikes, reason, node, changedMs, liftedMs } = value;
  if (!isText(rule, 1, NAME_LENGTH_MAX) || !isText(kind, 1, KIND_LENGTH_MAX) || !isText(key, 1, KEY_LENGTH_MAX)) {
    return null;
  }
  if (!isText(reason, 0, REASON_LENGTH_MAX) || !isText(node, 0, NODE_LENGTH_MAX)) return null;
  if (!isCount(strikes, STRIKES_MAX)) return null;
  const latest = nowMs + AHEAD_MS_MAX;
  if (!isCount(sinceMs, latest) || !isCount(untilMs, latest) || !isCount(rememberedMs, latest)) return null;
  const tomorrow = nowMs + 86_400_000;
  if (!isCount(changedMs, tomorrow) || !isCount(liftedMs, tomorrow)) return null;
  return { rule, kind, value: key, sinceMs, untilMs, rememberedMs, strikes, reason, node, changedMs, liftedMs };
}

/** One line, without its end. */
export function formatRecord(record: BanRecord): string {
  const { rule, kind, value, sinceMs, untilMs, rememberedMs, strikes, reason, node, changedMs, liftedMs } = record;
  return JSON.stringify({
    rule,
    kind,
    value,
    sinceMs,
    untilMs,
    rememberedMs,
    strikes,
    reason,
    node,
    changedMs,
    liftedMs,
  });
}

/**
 * Joins what two sources say about one key: bans made before the last lift do not hold, and two that do are one that
 * lasts as long as the longer. Machines that tell each other what they make of it come to the same.
 */
export function mergeRecords(a: BanRecord, b: BanRecord): BanRecord {
  const liftedMs = Math.max(a.liftedMs, b.liftedMs);
  const [later, other] = isLater(b, a) ? [b, a] : [a, b];
  // Remembered for as long as either may be told of.
  const rememberedMs = Math.max(a.rememberedMs, b.rememberedMs);
  if (later.changedMs <= liftedMs) return { ...later, rememberedMs, strikes: 0, liftedMs };
  if (other.changedMs <= liftedMs) return { ...later, liftedMs };
  const longer = other.untilMs > later.untilMs ? other : later;
  const strikes = Math.max(a.strikes, b.strikes);
  return { ...longer, rememberedMs, strikes, changedMs: later.changedMs, liftedMs };
}

export function isLifted({ changedMs, liftedMs }: BanRecord): boolean {
  return liftedMs >= changedMs;
}

/** Of two of one time the one that lasts longer; of two alike any one will do, but the same one everywhere. */
function isLater(a: BanRecord, b: BanRecord): boolean {
  return (
    a.changedMs > b.changedMs ||
    (a.changedMs === b.changedMs && (a.untilMs > b.untilMs || (a.untilMs === b.untilMs && wordsOf(a) > wordsOf(b))))
  );
}

/** What is not joined comes first. */
function wordsOf({ sinceMs, reason, node, rememberedMs, strikes, liftedMs }: BanRecord): string {
  return JSON.stringify([sinceMs, reason, node, rememberedMs, strikes, liftedMs]);
}

/** Kinds whose value lets somebody act as somebody else. */
const SECRET_KIND =
  /(?:^|\+)(?:cookie:|apiKey(?:$|\+)|header:(?:cookie|(?:proxy-)?authorization|[^+]*(?:key|token|secret|session|passw|credential|jwt)))/i;

/** A key as people see it: parts with ` + ` between them, secrets as a digest. */
export function shownKey({ kind, value }: BanRecord): string {
  if (!SECRET_KIND.test(kind)) return value.replaceAll('\u0001', ' + ');
  return `sha256:${createHash('sha256').update(value).digest('hex').slice(0, 16)}`;
}
