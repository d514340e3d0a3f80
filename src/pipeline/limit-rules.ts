import type { AddressSet } from '../base/address-set.ts';
import type { ClientPrefix } from '../base/ip-prefix.ts';
import { compileRanges } from '../config/address-ranges.ts';
import type { Config, RateLimitConfig } from '../config/schema.ts';
import { type LimitRule, saltOf } from '../limiter/decision.ts';
import type { Route } from '../transaction.ts';
import { compileKey, type KeyReader } from './key-parts.ts';

/** A rate limit policy as it holds on one route. */
export interface RouteLimit {
  readonly name: string;
  /** Metrics row. */
  readonly row: number;
  readonly rule: LimitRule;
  readonly key: KeyReader;
  /** A request without a part of the key is not limited; else its address is counted. */
  readonly skipsMissing: boolean;
  readonly exempt: AddressSet | null;
  /** Refuses while counts do not reach other machines. */
  readonly needsRedis: boolean;
  /** Name of each window in RateLimit and RateLimit-Policy, quoted. */
  readonly windowNames: readonly string[];
}

export interface RouteLimits {
  readonly limits: readonly RouteLimit[];
  readonly cost: number;
  /** `"name";q=10;w=1, ...`: value of RateLimit-Policy. */
  readonly policyField: string;
}

/**
 * The rate limits of every route that has any.
 *
 * @param rows  Metrics row by `limit:NAME`.
 */
export function compileRouteLimits(
  config: Config,
  routes: readonly Route[],
  captured: readonly string[],
  prefix: ClientPrefix,
  rows: Readonly<Record<string, number>>,
): ReadonlyMap<Route, RouteLimits> {
  const everywhere = Object.keys(config.rateLimits).filter((name) => config.rateLimits[name]?.everyRoute === true);
  const compiled = new Map<Route, RouteLimits>();
  for (const route of routes) {
    const { rateLimits, cost } = route.config.policies;
    const names = [...new Set([...everywhere, ...rateLimits])];
    const limits = names.map((name) =>
      compileLimit(config, name, route, captured, prefix, rows[`limit:${name}`] ?? -1),
    );
    if (limits.length === 0 || cost === 0) continue;
    compiled.set(route, { limits, cost, policyField: limits.map(policyItems).join(', ') });
  }
  return compiled;
}

function compileLimit(
  config: Config,
  name: string,
  route: Route,
  captured: readonly string[],
  prefix: ClientPrefix,
  row: number,
): RouteLimit {
  const policy = config.rateLimits[name] as RateLimitConfig;
  const { windows, penalise, perRoute, exempt, mode } = policy;
  return Object.freeze({
    name,
    row,
    rule: {
      // No name holds a blank: the salt of a route's own count is no other policy's.
      salt: saltOf(perRoute ? `${name} ${route.name}` : name),
      windows,
      penalise,
      isShared: mode === 'synced',
    },
    needsRedis: mode !== 'local' && policy.whenRedisFails === 'refuse',
    key: compileKey(policy.key, captured, prefix),
    skipsMissing: policy.whenMissing === 'skip',
    exempt: exempt.length === 0 ? null : compileRanges(exempt, `rateLimits.${name}.exempt`),
    windowNames: windows.map(({ windowMs }) => (windows.length === 1 ? `"${name}"` : `"${name}-${windowMs}ms"`)),
  });
}

function policyItems({ rule, windowNames }: RouteLimit): string {
  return rule.windows
    .map(({ limit, windowMs }, index) => `${windowNames[index]};q=${limit};w=${Math.ceil(windowMs / 1_000)}`)
    .join(', ');
}
