import { BanJudge, type BanJudgeOptions } from '../../src/abuse/ban-judge.ts';
import { BanTable } from '../../src/abuse/ban-table.ts';
import type { AbuseSettings, BanRule, BanRuleSettings } from '../../src/abuse/rules.ts';
import { compileBanRules } from '../../src/abuse/rules.ts';
import type { BanMade } from '../../src/abuse/wire.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

export const RULE: BanRuleSettings = {
  key: ['address'],
  statuses: [401, 403, 404],
  failures: 3,
  windowMs: 60_000,
  banMs: 1_000,
  banMsMax: 10_000,
  forgetMs: 100_000,
};

export interface Asked {
  readonly client: string;
  readonly user?: string;
}

export function abuseOf(
  rules: Record<string, Partial<BanRuleSettings>>,
  exempt: readonly string[] = [],
): AbuseSettings {
  const whole = Object.entries(rules).map(([name, rule]) => [name, { ...RULE, ...rule }] as const);
  return { rules: Object.fromEntries(whole), exempt };
}

/** Counts failures in the limiter's table, as threads do. */
export function countIn(limiterWords: Int32Array): BanJudgeOptions<Asked>['count'] {
  const window = new SlidingWindow(new LimiterTable(limiterWords));
  return (high, low, { failures, windowMs }: BanRule, steadyMs) => {
    window.at(steadyMs, steadyMs);
    return window.take(high, low, { limit: failures - 1, windowMs }, 1, false) > 0;
  };
}

export function judgeOf(
  banWords: Int32Array,
  limiterWords: Int32Array,
  abuse: AbuseSettings,
  report: (made: BanMade) => void,
  isExempt: (asked: Asked) => boolean = () => false,
): BanJudge<Asked> {
  const rules = compileBanRules(abuse, saltOf);
  return new BanJudge<Asked>({
    table: new BanTable(banWords),
    hash: new KeyHash(1, 2),
    saltOf,
    rules,
    keys: rules.map(
      ({ kind }) =>
        (asked: Asked) =>
          kind === 'address' ? asked.client : (asked.user ?? ''),
    ),
    address: ({ client }) => client,
    isExempt,
    count: countIn(limiterWords),
    report,
  });
}
