// hot path: synchronous, never throws
import { BanJudge } from '../abuse/ban-judge.ts';
import { compileBanRules, MANUAL } from '../abuse/rules.ts';
import { hasAddress } from '../base/address-set.ts';
import { ClientPrefix } from '../base/ip-prefix.ts';
import { STEADY_OFFSET_MS, steadyNow } from '../base/steady-clock.ts';
import { compileRanges } from '../config/address-ranges.ts';
import { saltOf } from '../limiter/decision.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import { compileClient } from './client.ts';
import type { PhaseContext } from './context.ts';
import { compileKey } from './key-parts.ts';

/**
 * Phase ban: clients that are shut out for a while. Operators may ban at any time, so it is there without rules, too.
 *
 * @returns  A phase that refuses with 403 and Retry-After.
 */
export function compileBan(context: PhaseContext): (tx: Transaction, nowMs: number) => Verdict {
  const { metrics, policyRows } = context;
  const judge = judgeFor(context);
  return (tx) => {
    const leftMs = judge.leftMs(tx, tx.startedAt + STEADY_OFFSET_MS);
    if (leftMs === 0) return PASS;
    tx.policy = judge.rule;
    metrics.policy(policyRows[`ban:${judge.rule}`] ?? Number.MAX_SAFE_INTEGER, 'refused');
    return refuse('SP_BANNED', undefined, ['retry-after', String(Math.ceil(leftMs / 1_000))]);
  };
}

/**
 * Phase ban-count: looks at the status of an answer before it leaves, and bans who failed too often: whoever has the
 * last answer cannot be faster than the ban.
 *
 * @returns  A phase that always passes; null without rules.
 */
export function compileBanCount(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  if (Object.keys(context.config.abuse.rules).length === 0) return null;
  const judge = judgeFor(context);
  const resolveClient = compileClient(context);
  return (tx, nowMs) => {
    if (tx.status < 400) return PASS;
    // The guard refuses before anybody asked who it is: a failure must not count for the proxy in front of us.
    if (tx.route === null) resolveClient(tx, nowMs);
    // Not from `nowMs`: that may be a wall clock that was set meanwhile.
    judge.ended(tx, tx.status, tx.code, steadyNow());
    return PASS;
  };
}

function judgeFor({ config, captured, bans }: PhaseContext): BanJudge<Transaction> {
  const { table, hash, window, report } = bans;
  const { rules: settings, exempt } = config.abuse;
  const prefix = new ClientPrefix(config.limiter.ipv6PrefixBits);
  const exempted = compileRanges(exempt, 'abuse.exempt');
  const rules = compileBanRules(config.abuse, saltOf);
  // The window lets one failure less through: the one that it refuses is the one that bans.
  const windows = new Map(rules.map((rule) => [rule, { limit: rule.failures - 1, windowMs: rule.windowMs }]));
  return new BanJudge<Transaction>({
    table,
    hash,
    saltOf,
    rules,
    keys: rules.map(({ name }) => compileKey(settings[name]?.key ?? [], captured, prefix)),
    address: (tx) => prefix.of(tx.client),
    isExempt: (tx) => hasAddress(exempted, tx.client),
    count: (high, low, rule, steadyMs) => {
      const limits = windows.get(rule);
      window.at(steadyMs, steadyMs);
      return limits !== undefined && window.take(high, low, limits, 1, false) > 0;
    },
    report,
  });
}

/** `ban:NAME`: what counters of ban rules are kept by. */
export function banPolicyNames(rules: object): readonly string[] {
  return [...Object.keys(rules), MANUAL].map((name) => `ban:${name}`);
}
