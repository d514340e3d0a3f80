// hot path: synchronous, never throws
import { compilePattern } from '../base/regex.ts';
import type { ClaimRuleConfig, RouteAuthConfig } from '../config/schema.ts';
import { claimAt, claimText, type Identity } from '../identity.ts';

/** What a caller lacks. */
export interface Lack {
  readonly reason: 'scope' | 'claim-rule' | 'step-up';
  /** Scopes that would do; none where scopes are not what is missing. */
  readonly scopes: readonly string[];
  /** For the log. */
  readonly detail: string;
}

/** What a route asks of callers. */
export interface Requirements {
  /** Does it ask anything for this method? Whoever is unknown lacks it. */
  asks(method: string): boolean;
  /** @returns  What a known caller lacks; null for nothing. */
  lack(identity: Identity, method: string, nowMs: number): Lack | null;
}

/**
 * @returns  Null where a route asks nothing of callers that are known.
 * @throws   SyntaxError for a pattern; the check of the configuration refuses those.
 */
export function compileRequirements(auth: RouteAuthConfig): Requirements | null {
  const always = compileDemands(auth);
  const stepUp = compileStepUp(auth.stepUp);
  if (stepUp !== null) always.push(stepUp);
  const byMethod = new Map<string, Demand[]>();
  for (const rule of auth.rules) {
    for (const method of withHead(rule.methods)) {
      byMethod.set(method, [...(byMethod.get(method) ?? []), ...compileDemands(rule)]);
    }
  }
  if (always.length === 0 && byMethod.size === 0) return null;
  return {
    asks: (method) => always.length > 0 || byMethod.has(method),
    lack: (identity, method, nowMs) =>
      firstLack(always, identity, nowMs) ?? firstLack(byMethod.get(method), identity, nowMs),
  };
}

type Demand = (identity: Identity, nowMs: number) => Lack | null;

/** What is asked of GET is asked of HEAD: it tells as much about what is there. */
function withHead(methods: readonly string[]): string[] {
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : [...methods];
}

function firstLack(demands: readonly Demand[] | undefined, identity: Identity, nowMs: number): Lack | null {
  if (demands === undefined) return null;
  for (const demand of demands) {
    const lack = demand(identity, nowMs);
    if (lack !== null) return lack;
  }
  return null;
}

function lackOf(reason: Lack['reason'], detail: string, scopes: readonly string[] = []): Lack {
  return Object.freeze({ reason, scopes, detail });
}

function compileDemands({ scopes, claims }: Pick<RouteAuthConfig, 'scopes' | 'claims'>): Demand[] {
  const demands: Demand[] = [];
  const { all, any } = scopes;
  if (all.length > 0) {
    const lack = lackOf('scope', `all of the scopes ${all.join(' ')} are asked for`, all);
    demands.push((identity) => (all.every((scope) => identity.scopes.includes(scope)) ? null : lack));
  }
  if (any.length > 0) {
    const lack = lackOf('scope', `one of the scopes ${any.join(' ')} is asked for`, any);
    demands.push((identity) => (any.some((scope) => identity.scopes.includes(scope)) ? null : lack));
  }
  for (const rule of claims) demands.push(compileClaimRule(rule));
  return demands;
}

function compileClaimRule({ claim, equals, contains, oneOf, matches }: ClaimRuleConfig): Demand {
  const lack = lackOf('claim-rule', `the claim ${claim} is not as it is asked for`);
  const tests: ((value: unknown) => boolean)[] = [(value) => value !== undefined && value !== null];
  if (equals !== undefined) tests.push((value) => claimText(value) === equals);
  if (oneOf !== undefined) {
    const allowed = new Set<string | null>(oneOf);
    tests.push((value) => allowed.has(claimText(value)));
  }
  if (contains !== undefined) tests.push((value) => containsWord(value, contains));
  if (matches !== undefined) {
    const pattern = compilePattern(matches);
    tests.push((value) => {
      const text = claimText(value);
      return text !== null && pattern.matchesWhole(text);
    });
  }
  return ({ claims }) => {
    const value = claimAt(claims, claim);
    for (const test of tests) {
      if (!test(value)) return lack;
    }
    return null;
  };
}

/** A member of a list, or a word of a text whose words blanks part. */
function containsWord(value: unknown, word: string): boolean {
  if (Array.isArray(value)) return value.some((item) => claimText(item) === word);
  return typeof value === 'string' && value.split(' ').includes(word);
}

/** Clock difference that is forgiven for a login that seems to be ahead of us. */
const FUTURE_MS = 60_000;

/** RFC 9470: what nobody said is not satisfied. */
function compileStepUp({ acr, amr, maxAgeSeconds }: RouteAuthConfig['stepUp']): Demand | null {
  if (acr.length === 0 && amr.length === 0 && maxAgeSeconds === 0) return null;
  const otherAcr = lackOf('step-up', 'acr is none of those asked for');
  const lessAmr = lackOf('step-up', 'amr lacks a method that is asked for');
  const tooOld = lackOf('step-up', 'auth_time is too long ago, or not there');
  return ({ claims }, nowMs) => {
    const { acr: level, amr: methods, auth_time: at } = claims;
    if (acr.length > 0 && !(typeof level === 'string' && acr.includes(level))) return otherAcr;
    if (amr.length > 0 && !(Array.isArray(methods) && amr.every((method) => methods.includes(method)))) return lessAmr;
    if (maxAgeSeconds === 0) return null;
    if (typeof at !== 'number') return tooOld;
    const ageMs = nowMs - at * 1_000;
    return ageMs <= maxAgeSeconds * 1_000 && ageMs >= -FUTURE_MS ? null : tooOld;
  };
}
