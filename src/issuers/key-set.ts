import type { KeyVerdict, PlainKey } from '../issuer-wire.ts';
import { ISSUER_KEYS_MAX, ISSUER_KEYS_SEEN_MAX, KEY_ID_LENGTH_MAX } from '../limits.ts';
import { parseObject } from './discovery.ts';
import { type Failed, failed } from './http-json.ts';

/** Keys of an issuer that are good for something. */
export interface KeySet {
  readonly kind: 'keys';
  /** At least one, at most ISSUER_KEYS_MAX, none twice. */
  readonly keys: readonly PlainKey[];
  /** What was left out that should not be there, for the log: a sentence each, with no key material. */
  readonly notes: readonly string[];
}

/** Judges a key for the algorithms of an issuer. Never throws. */
export type JudgeKey = (key: PlainKey) => KeyVerdict;

/** RFC 7517 4, RFC 7518 6, RFC 8037 2: what describes a public key. Nothing else travels on. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'key_ops', 'alg', 'n', 'e', 'crv', 'x', 'y'] as const;
/** Different reasons that are told of one set. */
const NOTES_MAX = 5;

/**
 * Finds the keys in a JWK set (RFC 7517 5).
 *
 * A key that is private, weak, symmetric or broken is left out and told of: the rest of the set is as good as before. A
 * set of which nothing is left is a failure, so that it never takes the place of a good one.
 *
 * @param text   The document as fetched.
 * @param judge  Says whether a key can be used.
 * @throws       Never.
 *
 * Threads: main: each key that is looked at costs 20 to 100 us.
 */
export function readKeySet(text: string, judge: JudgeKey): KeySet | Failed {
  const set = parseObject(text);
  if (set === null) return failed('content', 'the key set is not a JSON object');
  if (!Array.isArray(set.keys)) return failed('content', 'the key set has no array `keys`');
  if (set.keys.length === 0) return failed('keys', 'the key set is empty');
  return chooseKeys(set.keys, judge);
}

/** As `readKeySet`, on keys already taken apart: JWKs of any form, and PEM texts. */
export function chooseKeys(found: readonly unknown[], judge: JudgeKey): KeySet | Failed {
  const chosen = new Map<string, PlainKey>();
  const reasons = new Map<string, number>();
  let skipped = '';
  let seen = 0;
  for (const item of found) {
    if (seen === ISSUER_KEYS_SEEN_MAX || chosen.size === ISSUER_KEYS_MAX) break;
    seen += 1;
    const verdict = judgeOne(item, judge);
    if (verdict.kind === 'skipped') skipped ||= verdict.reason;
    if (verdict.kind === 'refused') reasons.set(verdict.reason, (reasons.get(verdict.reason) ?? 0) + 1);
    if (verdict.kind !== 'key') continue;
    const key = typeof item === 'string' ? item : publicMembers(item as Readonly<Record<string, unknown>>);
    chosen.set(typeof key === 'string' ? key : JSON.stringify(key), key);
  }
  const notes = [...reasons].slice(0, NOTES_MAX).map(([reason, count]) => `${count} left out: ${reason}`);
  if (chosen.size === 0) {
    const why = notes.length > 0 ? notes.join('; ') : skipped === '' ? '' : `such as: ${skipped}`;
    return failed('keys', `the key set has no key for the algorithms of the issuer${why === '' ? '' : ` (${why})`}`);
  }
  if (seen < found.length) notes.push(`${found.length - seen} left out: the first ${seen} are looked at`);
  return { kind: 'keys', keys: [...chosen.values()], notes };
}

function judgeOne(item: unknown, judge: JudgeKey): KeyVerdict {
  if (typeof item === 'string') return judge(item);
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return refused('is not a JSON object');
  const { kty, kid } = item as Readonly<Record<string, unknown>>;
  // Whoever can read the set could sign with it.
  if (kty === 'oct') return refused('a published secret is none');
  if (typeof kid === 'string' && kid.length > KEY_ID_LENGTH_MAX) {
    return refused(`kid has over ${KEY_ID_LENGTH_MAX} characters`);
  }
  return judge(item as PlainKey);
}

/** Judged first: a private member that is dropped here has spoilt the key before. */
function publicMembers(key: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members: Record<string, unknown> = {};
  for (const name of PUBLIC_MEMBERS) if (key[name] !== undefined) members[name] = key[name];
  return members;
}

function refused(reason: string): KeyVerdict {
  return { kind: 'refused', reason };
}
