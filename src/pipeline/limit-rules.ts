import type { AddressSet } from '../base/address-set.ts';
import { ClientPrefix } from '../base/ip-prefix.ts';
import { compileRanges } from '../config/address-ranges.ts';
import type { Config, RateLimitConfig } from '../config/schema.ts';
import { type LimitRule, saltOf } from '../limiter/decision.ts';
import type { Route } from '../transaction.ts';
import type { PhaseContext } from './context.ts';
import { compileKey, compileKeyOrAddress, type KeyReader, tellsCaller } from './key-parts.ts';

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

/** What a policy that an API key brings counts by. */
const BY_KEY: readonly string[] = ['api-key'];

/** Rate limits of one configuration, compiled for the routes they hold on. */
export class LimitRules {
  readonly #config: Config;
  readonly #captured: readonly string[];
  readonly #prefix: ClientPrefix;
  /** Metrics row by `limit:NAME`. */
  readonly #rows: Readonly<Record<string, number>>;
  readonly #salts: Salts;
  readonly #named = new Map<Route, Map<string, RouteLimits | null>>();

  constructor({ config, policyRows, captured }: Pick<PhaseContext, 'config' | 'policyRows' | 'captured'>) {
    this.#config = config;
    this.#captured = captured;
    this.#prefix = new ClientPrefix(config.limiter.ipv6PrefixBits);
    this.#rows = policyRows;
    this.#salts = new Salts(config);
  }

  /**
   * The rate limits of every route that has any.
   *
   * @param isByCaller  Those whose key tells who calls; otherwise all others.
   */
  ofRoutes(routes: readonly Route[], isByCaller: boolean): ReadonlyMap<Route, RouteLimits> {
    const { rateLimits } = this.#config;
    const everywhere = Object.keys(rateLimits).filter((name) => rateLimits[name]?.everyRoute === true);
    const compiled = new Map<Route, RouteLimits>();
    for (const route of routes) {
      const { policies } = route.config;
      const names = [...new Set([...everywhere, ...policies.rateLimits])].filter(
        (name) => tellsCaller(rateLimits[name]?.key ?? []) === isByCaller,
      );
      const limits = names.map((name) => this.#compile(name, route, []));
      if (limits.length > 0 && policies.cost > 0) compiled.set(route, limitsOf(limits, policies.cost));
    }
    return compiled;
  }

  /**
   * The rate limits of a request whose API key brings one more, which counts by the key. Remembered: there are few.
   *
   * @returns  Null where the configuration has no such policy.
   */
  withNamed(route: Route, others: RouteLimits | undefined, name: string): RouteLimits | null {
    let known = this.#named.get(route);
    if (known === undefined) {
      known = new Map();
      this.#named.set(route, known);
    }
    let limits = known.get(name);
    if (limits === undefined) {
      limits = this.#compileNamed(route, others?.limits ?? [], name);
      if (known.size < Object.keys(this.#config.rateLimits).length + 1) known.set(name, limits);
    }
    return limits;
  }

  #compileNamed(route: Route, others: readonly RouteLimit[], name: string): RouteLimits | null {
    const { rateLimits } = this.#config;
    if (!Object.hasOwn(rateLimits, name)) return null;
    const { cost } = route.config.policies;
    if (cost === 0) return limitsOf([], cost);
    // Where the route has the same one, by key as well, it would count twice.
    const isByKey = rateLimits[name]?.key.join() === BY_KEY.join();
    const beside = others.filter((limit) => !isByKey || limit.name !== name);
    return limitsOf([...beside, this.#compile(name, route, BY_KEY)], cost);
  }

  /** @param key  Instead of the policy's own; none for that. */
  #compile(name: string, route: Route, key: readonly string[]): RouteLimit {
    const row = this.#rows[`limit:${name}`] ?? -1;
    return compileLimit(this.#config, name, route, key, this.#captured, this.#prefix, row, this.#salts);
  }
}

function limitsOf(limits: readonly RouteLimit[], cost: number): RouteLimits {
  return {
    limits,
    cost,
    hasStrict: limits.some(({ isStrict }) => isStrict),
    policyField: limits.map(({ policyItems }) => policyItems).join(', '),
  };
}

function compileLimit(
  config: Config,
  name: string,
  route: Route,
  key: readonly string[],
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
      salt: salts.of(countName(name, perRoute, route.name)),
      windows,
      penalise,
      onSharedClock: mode !== 'local',
      isExchanged: mode === 'synced',
    },
    isStrict: mode === 'strict',
    needsRedis: mode !== 'local' && policy.whenRedisFails === 'refuse',
    key: (policy.whenMissing === 'skip' ? compileKey : compileKeyOrAddress)(
      key.length === 0 ? policy.key : key,
      captured,
      prefix,
    ),
    exempt: exempt.length === 0 ? null : compileRanges(exempt, `rateLimits.${name}.exempt`),
    windowNames,
    policyItems: windows
      .map(({ limit, windowMs }, index) => `${windowNames[index]};q=${limit};w=${Math.ceil(windowMs / 1_000)}`)
      .join(', '),
  });
}

/** What is counted together. No name holds a blank: a route's own count is no other policy's. */
function countName(policy: string, perRoute: boolean, routeName: string): string {
  return perRoute ? `${policy} ${routeName}` : policy;
}

/**
 * A salt for each count, the same at every reload, in every thread and whichever phase asks; no two counts of one
 * configuration share one.
 */
class Salts {
  readonly #salts = new Map<string, number>();

  constructor({ rateLimits, routes }: Config) {
    const taken = new Set<number>();
    for (const [policy, { perRoute }] of Object.entries(rateLimits)) {
      const names = perRoute ? routes.map((route) => countName(policy, true, route.name)) : [policy];
      for (const name of names) {
        let salt = saltOf(name);
        for (let tries = 1; taken.has(salt); tries += 1) salt = saltOf(`${name} ${tries}`);
        taken.add(salt);
        this.#salts.set(name, salt);
      }
    }
  }

  /** @param name  Of a policy and route of this configuration. */
  of(name: string): number {
    return this.#salts.get(name) ?? saltOf(name);
  }
}
