// hot path: synchronous, never throws
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { BanTable } from './ban-table.ts';
import { keyText } from './key-text.ts';
import { type BanRule, BY_ADDRESS, banSalt, MANUAL } from './rules.ts';
import type { BanMade } from './wire.ts';

/** A keyed hash of texts that leaves its 64 bits in two fields. */
export interface KeyHasher {
  readonly high: number;
  readonly low: number;
  hash(text: string, salt: number): void;
}

/** What the judge needs of its thread. `T` is a request. */
export interface BanJudgeOptions<T> {
  readonly table: BanTable;
  readonly hash: KeyHasher;
  readonly saltOf: (text: string) => number;
  /** From `compileBanRules`. */
  readonly rules: readonly BanRule[];
  /** Text of a rule's key, by the position of the rule; '' where a part is absent. */
  readonly keys: readonly ((request: T) => string)[];
  /** Address, or prefix, that counts as one client. */
  readonly address: (request: T) => string;
  /** Never banned. Asked when a failure would count, and when a ban is found: not for every request. */
  readonly isExempt: (request: T) => boolean;
  /**
   * Counts a failure in the sliding window of `rule.windowMs` under this id.
   *
   * @returns  True when it is the `rule.failures`-th of the window, or a further one.
   */
  readonly count: (high: number, low: number, rule: BanRule, steadyMs: number) => boolean;
  readonly report: (made: BanMade) => void;
}

/** Says no for lack of room, not for what was asked. */
const NOT_A_FAILURE: ReadonlySet<string> = new Set(['SP_BANNED', 'SP_THROTTLED']);

/**
 * A thread's part in bans: is the client of a request banned, and does the end of a request make a ban?
 *
 * Threads: one instance each, anew for every generation of the configuration.
 */
export class BanJudge<T> {
  /** After `leftMs`: the rule of the ban found, or `manual`. */
  rule = '';
  readonly #o: BanJudgeOptions<T>;
  readonly #manualSalt: number;

  constructor(options: BanJudgeOptions<T>) {
    this.#o = options;
    this.#manualSalt = banSalt(MANUAL, BY_ADDRESS, options.saltOf);
  }

  /**
   * Costs a look at one word while nobody is banned; else a hash and a look-up for the address and for each rule.
   *
   * @param steadyMs  Steady clock, milliseconds.
   * @returns  Milliseconds (> 0) until the last ban of this request's keys ends; 0 for none, and for who is exempt.
   */
  leftMs(request: T, steadyMs: number): number {
    const { table, hash, rules, keys, address } = this.#o;
    if (table.inUse === 0) return 0;
    hash.hash(address(request), this.#manualSalt);
    let longest = table.leftMs(hash.high, hash.low, steadyMs);
    if (longest > 0) this.rule = MANUAL;
    for (let i = 0; i < rules.length; i += 1) {
      const key = (keys[i] as (request: T) => string)(request);
      if (key === '') continue;
      const rule = rules[i] as BanRule;
      hash.hash(keyText(key), rule.salt);
      const left = table.leftMs(hash.high, hash.low, steadyMs);
      if (left <= longest) continue;
      longest = left;
      this.rule = rule.name;
    }
    // The ban may be of a prefix that is wider than the exempt range, of a user, or older than the exemption.
    return longest > 0 && this.#o.isExempt(request) ? 0 : longest;
  }

  /**
   * Looks at how a request ended; once for each, however it ended.
   *
   * @param status  Answered; 0 for none.
   * @param code    Of the gateway's own refusal; null for an upstream's answer.
   */
  ended(request: T, status: number, code: ErrorCode | null, steadyMs: number): void {
    if (status < 400 || !isFailure(code)) return;
    const { rules } = this.#o;
    for (let i = 0; i < rules.length; i += 1) {
      const rule = rules[i] as BanRule;
      if (rule.statuses[status] !== 1) continue;
      // A few look-ups in sorted ranges, for failures alone.
      if (this.#o.isExempt(request)) return;
      this.#count(request, i, rule, status, steadyMs);
    }
  }

  #count(request: T, index: number, rule: BanRule, status: number, steadyMs: number): void {
    const { table, hash, keys, count, report } = this.#o;
    const key = (keys[index] as (request: T) => string)(request);
    if (key === '') return;
    const value = keyText(key);
    hash.hash(value, rule.salt);
    const { high, low } = hash;
    // Of requests that were under way when the ban began: it speaks for them too.
    if (table.leftMs(high, low, steadyMs) > 0) return;
    // Windows of another length are numbered in another way: a reload that changes it must not find counts of before.
    const mixed = Math.imul(table.epochOf(high, low) ^ rule.windowMs, 0x9e3779b1);
    if (!count(high ^ mixed, low ^ (mixed >>> 15), rule, steadyMs)) return;
    if (!table.ban(high, low, rule, steadyMs) || !table.announce()) return;
    report({
      kind: 'ban-made',
      rule: rule.name,
      keyKind: rule.kind,
      value,
      high,
      low,
      reason: `${rule.failures} failures in ${rule.windowMs} ms, the last with status ${status}`,
      madeRoom: table.madeRoom ? [table.madeRoomHigh, table.madeRoomLow] : null,
    });
  }
}

/**
 * A refusal of the gateway's counts where it is the client's doing. A refusal because of a ban never does: a client
 * that tries again while banned would be banned for ever.
 */
function isFailure(code: ErrorCode | null): boolean {
  return code === null || (!NOT_A_FAILURE.has(code) && ERRORS[code].side === 'client');
}
