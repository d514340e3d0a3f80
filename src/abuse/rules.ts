import { SallyportError } from '../errors.ts';
import type { BanTerms } from './ban-table.ts';
import { KIND_LENGTH_MAX } from './record.ts';

/** Bans that operators make bear this name instead of a rule's. */
export const MANUAL = 'manual';

/** Kind of a key that is the client's address alone. */
export const BY_ADDRESS = 'address';

/** What a rule says; times in milliseconds. */
export interface BanRuleSettings {
  /** Parts of the key: `address`, `header:NAME` and so on. */
  readonly key: readonly string[];
  /** Failures: 400 to 599. */
  readonly statuses: readonly number[];
  /** So many in `windowMs` end in a ban. */
  readonly failures: number;
  readonly windowMs: number;
  readonly banMs: number;
  readonly banMsMax: number;
  readonly forgetMs: number;
}

export interface AbuseSettings {
  readonly rules: Readonly<Record<string, BanRuleSettings>>;
  /** Addresses and CIDR ranges that are never banned. */
  readonly exempt: readonly string[];
}

/** A ban rule as threads use it. */
export interface BanRule extends BanTerms {
  readonly name: string;
  /** Parts of its key, joined by `+`: `address`, `address+header:x-user`. */
  readonly kind: string;
  readonly salt: number;
  readonly failures: number;
  /** By status: 1 for those that are failures. */
  readonly statuses: Uint8Array;
}

/**
 * @param saltOf  The limiter's: 32 bits that tell uses of one text apart.
 * @throws  SP_CONFIG for a rule that bears the name of operators' own bans.
 */
export function compileBanRules(abuse: AbuseSettings, saltOf: (text: string) => number): readonly BanRule[] {
  return Object.entries(abuse.rules).map(([name, rule]) => compileRule(name, rule, saltOf));
}

/**
 * Of the rule's key as well: a rule that gets another key must not find its bans of before by values of the new one. No
 * name holds a blank, and salts of rate limits have one at most: these are none of theirs.
 */
export function banSalt(rule: string, kind: string, saltOf: (text: string) => number): number {
  return saltOf(`ban ${rule} ${kind}`);
}

function compileRule(name: string, rule: BanRuleSettings, saltOf: (text: string) => number): BanRule {
  if (name === MANUAL) {
    const message = `abuse.rules.${MANUAL} bears the name of bans that operators make; give the rule another name`;
    throw new SallyportError('SP_CONFIG', message, { rule: name });
  }
  const statuses = new Uint8Array(600);
  for (const status of rule.statuses) statuses[status] = 1;
  const { failures, windowMs, banMs, banMsMax, forgetMs } = rule;
  const kind = rule.key.join('+').slice(0, KIND_LENGTH_MAX);
  const salt = banSalt(name, kind, saltOf);
  return Object.freeze({
    name,
    kind,
    salt,
    failures,
    statuses,
    windowMs,
    banMs,
    banMsMax,
    forgetMs,
  });
}
