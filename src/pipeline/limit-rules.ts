import type { AddressSet } from '../base/address-set.ts';
import type { ClientPrefix } from '../base/ip-prefix.ts';
import { compileRanges } from '../config/address-ranges.ts';
import type { Config, RateLimitConfig } from '../config/schema.ts';
import { type LimitRule, saltOf } from '../limiter/decision.ts';
import type { Route } from '../transaction.ts';
import { compileKey, compileKeyOrAddress, type KeyReader } from './key-parts.ts';

/** A rate limit policy as it holds on one route. */
export interface RouteLimit {
  readonly name: string;
  /** Metrics row. */
  readonly row: number;
  readonly rule: LimitRule;
  /** '' where the limit does not hold for want of a part. */
  readonly key: KeyReader;
  readonly exempt: AddressSet | null;
  /** Decided in Redis. */
  readonly isStrict: boolean;
  /** Refuses while counts do not reach other machines. */
  readonly needsRedis: boolean;
  /** Name of each window in RateLimit and RateLimit-Policy, quoted. */
  readonly windowNames: readonly string[];
  /** `"name";q=10;w=1, ...`: what RateLimit-Policy says of it. */
  readonly policyItems: string;
}

export interface RouteLimits {
  readonly limits: readonly RouteLimit[];
  readonly cost: number;
  /** Some are decided in Redis. */
  readonly hasStrict: boolean;
  /** Value of RateLimit-Policy where all of them hold for a request. */
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
  const salts = new Salts();
  for (const route of routes) {
    const { rateLimits, cost } = route.config.policies;
    const names = [...new Set([...everywhere, ...rateLimits])];
    const limits = names.map((name) =>
      compileLimit(config, name, route, captured, prefix, rows[`limit:${name}`] ?? -1, salts),
    );
    if (limits.length === 0 || cost === 0) continue;
    compiled.set(route, {
      limits,
      cost,
      hasStrict: limits.some(({ isStrict }) => isStrict),
      policyField: limits.map(({ policyItems }) => policyItems).join(', '),
    });
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
  salts: Salts,
): RouteLimit {
  const policy = config.rateLimits[name] as RateLimitConfig;
  const { windows, penalise, perRoute, exempt, mode } = policy;
  const windowNames = windows.map(({ windowMs }) => (windows.length === 1 ? `"${name}"` : `"${name}-${windowMs}ms"`));
  return Object.freeze({
    name,
    row,
    rule: {
      // No name holds a blank: the salt of a route's own count is no other policy's.
      salt: salts.of(perRoute ? `${name} ${route.name}` : name),
      windows,
      penalise,
      onSharedClock: mode !== 'local',
      isExchanged: mode === 'synced',
    },
    isStrict: mode === 'strict',
    needsRedis: mode !== 'local' && policy.whenRedisFails === 'refuse',
    key: (policy.whenMissing === 'skip' ? compileKey : compileKeyOrAddress)(policy.key, captured, prefix),
    exempt: exempt.length === 0 ? null : compileRanges(exempt, `rateLimits.${name}.exempt`),
    windowNames,
    policyItems: windows
      .map(({ limit, windowMs }, index) => `${windowNames[index]};q=${limit};w=${Math.ceil(windowMs / 1_000)}`)
      .join(', '),
  });
}

/** A salt for each text, the same at every reload and in every thread; no two texts of one configuration share one. */
class Salts {
  readonly #texts = new Map<number, string>();

  of(text: string): number {
    let salt = saltOf(text);
    for (let tries = 1; (this.#texts.get(salt) ?? text) !== text; tries += 1) salt = saltOf(`${text} ${tries}`);
    this.#texts.set(salt, text);
    return salt;
  }
}
