// hot path: synchronous, never throws
import { hasAddress } from '../base/address-set.ts';
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import type { Decision } from '../limiter/decision.ts';
import type { StrictLimiter } from '../limiter/strict.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, PENDING, refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { HeldRequest } from './held-request.ts';
import { LimitRules, type RouteLimit, type RouteLimits } from './limit-rules.ts';
import { retryLater } from './retry-later.ts';
import { StrictFacts } from './strict-facts.ts';

/** A full table empties as windows pass, and Redis comes back: it is worth another try soon. */
const RETRY_SOON_FIELDS = Object.freeze(['retry-after', '1']);

/** Which limits of a route. */
const ALL = 0;
const STRICT = 1;
const OTHERS = 2;
type Which = typeof ALL | typeof STRICT | typeof OTHERS;

/**
 * Phase limit: rate limit policies of the route that need not know who calls. Decisions in shared memory, those of
 * strict policies in Redis; see `src/limiter`.
 *
 * @returns  A phase that refuses with 429 and is pending while Redis decides, or null where no route has such a limit.
 */
export function compileLimit(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const compiled = new LimitRules(context).ofRoutes(context.routes, false);
  if (compiled.size === 0) return null;
  const phase = limitPhase(context);
  return (tx) => {
    const limits = tx.route === null ? undefined : compiled.get(tx.route);
    return limits === undefined ? PASS : phase.look(tx, limits);
  };
}

/**
 * Phase consumer-limit: rate limit policies by who calls, known by now, and those that API keys bring.
 *
 * @returns  As `compileLimit`.
 */
export function compileConsumerLimit(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const { config, routes } = context;
  const rules = new LimitRules(context);
  const compiled = rules.ofRoutes(routes, true);
  if (compiled.size === 0 && config.apiKeys.store === 'off') return null;
  const phase = limitPhase(context);
  return (tx) => {
    if (tx.route === null) return PASS;
    const name = tx.identity === null ? '' : tx.identity.rateLimit;
    if (name === '') {
      const limits = compiled.get(tx.route);
      return limits === undefined ? PASS : phase.look(tx, limits);
    }
    const limits = rules.withNamed(tx.route, compiled.get(tx.route), name);
    if (limits === null) {
      tx.policy = name;
      tx.reason = `the rate limit of the key, ${name}, is not configured`;
      return refuse('SP_IDENTITY_UNAVAILABLE');
    }
    return phase.look(tx, limits);
  };
}

function limitPhase({ config, decision, strict, metrics }: PhaseContext): LimitPhase {
  return new LimitPhase(decision, strict, metrics, {
    admitsFull: config.limiter.whenFull === 'admit',
    onAll: config.limiter.fields === 'all',
  });
}

interface LimitSettings {
  readonly admitsFull: boolean;
  /** RateLimit fields go with every answer, not with refusals alone. */
  readonly onAll: boolean;
}

class LimitPhase {
  readonly #decision: Decision;
  readonly #strict: StrictLimiter | null;
  readonly #metrics: ThreadMetrics;
  readonly #settings: LimitSettings;
  /** Limits of the request at hand, by their position in the decision. */
  readonly #added: RouteLimit[] = [];
  /** The one of them that may not count alone, while counts do not reach other machines. */
  #stuck: RouteLimit | null = null;

  constructor(decision: Decision, strict: StrictLimiter | null, metrics: ThreadMetrics, settings: LimitSettings) {
    this.#decision = decision;
    this.#strict = strict;
    this.#metrics = metrics;
    this.#settings = settings;
  }

  look(tx: Transaction, limits: RouteLimits): Verdict {
    if (!limits.hasStrict) return this.#decide(tx, limits, ALL);
    if (this.#strict?.available !== true) return this.#decideAlone(tx, limits);
    return this.#ask(tx, limits, this.#strict);
  }

  /** Decides in shared memory about some of the limits, or all. */
  #decide(tx: Transaction, limits: RouteLimits, which: Which): Verdict {
    if (!this.#begin(tx, limits, which)) return PASS;
    if (this.#stuck !== null) return this.#refuseAlone(tx, this.#stuck);
    this.#decision.decide(this.#settings.admitsFull);
    return this.#conclude(tx, limits, null);
  }

  /** Strict ones count here too, for want of Redis. */
  #decideAlone(tx: Transaction, limits: RouteLimits): Verdict {
    for (const limit of limits.limits) {
      if (!limit.isStrict || this.#keyOf(tx, limit) === '') continue;
      if (limit.needsRedis) return this.#refuseAlone(tx, limit);
      this.#metrics.policy(limit.row, 'alone');
    }
    return this.#decide(tx, limits, ALL);
  }

  /**
   * Has Redis decide about strict ones, if all others have room. The others count afterwards: what one of them refuses
   * then, in a race, has been counted in Redis.
   */
  #ask(tx: Transaction, limits: RouteLimits, redis: StrictLimiter): Verdict {
    const decision = this.#decision;
    if (this.#begin(tx, limits, OTHERS)) {
      if (this.#stuck !== null) return this.#refuseAlone(tx, this.#stuck);
      if (!decision.hasRoom()) return this.#conclude(tx, limits, null);
    }
    if (!this.#begin(tx, limits, STRICT)) return this.#decide(tx, limits, OTHERS);
    const asked = this.#added.slice(0, decision.policies);
    const held = new HeldRequest(tx);
    redis.decide(decision, limits.cost, (outcome) => {
      held.goOn(() =>
        outcome === null ? this.#decideAlone(tx, limits) : this.#resume(tx, limits, new StrictFacts(asked, outcome)),
      );
    });
    return PENDING;
  }

  /** Redis has decided. */
  #resume(tx: Transaction, limits: RouteLimits, facts: StrictFacts): Verdict {
    const { limit } = facts;
    if (facts.waitMs > 0) {
      this.#begin(tx, limits, OTHERS);
      this.#metrics.policy(limit.row, 'refused');
      return this.#refuse(tx, limits, facts, limit, facts.windowName, facts.waitMs);
    }
    for (const { row } of facts.asked) this.#metrics.policy(row, 'admitted');
    if (this.#begin(tx, limits, OTHERS)) {
      this.#decision.decide(this.#settings.admitsFull);
      return this.#conclude(tx, limits, facts);
    }
    if (this.#settings.onAll) this.#tell(tx, limits, facts, facts.windowName, facts.remaining, facts.leftMs);
    return PASS;
  }

  /** Adds limits to a new decision. @returns  False when none of them holds for the request. */
  #begin(tx: Transaction, limits: RouteLimits, which: Which): boolean {
    const decision = this.#decision;
    decision.begin(limits.cost, Math.floor(tx.startedAt + STEADY_OFFSET_MS));
    this.#stuck = null;
    for (const limit of limits.limits) {
      if (which !== ALL && limit.isStrict !== (which === STRICT)) continue;
      const key = this.#keyOf(tx, limit);
      if (key === '') continue;
      if (limit.needsRedis && !limit.isStrict && !decision.reachesOthers) this.#stuck ??= limit;
      this.#added[decision.policies] = limit;
      decision.add(limit.rule, key);
    }
    return decision.policies > 0;
  }

  /** @returns  '' where the limit does not hold for the request. */
  #keyOf(tx: Transaction, limit: RouteLimit): string {
    return limit.exempt !== null && hasAddress(limit.exempt, tx.client) ? '' : limit.key(tx);
  }

  #refuseAlone(tx: Transaction, { name, row }: RouteLimit): Verdict {
    this.#metrics.policy(row, 'alone');
    this.#metrics.policy(row, 'refused');
    tx.policy = name;
    return refuse('SP_LIMITER_ALONE', undefined, RETRY_SOON_FIELDS);
  }

  /** @param strict  What Redis said beside this, and admitted; null for nothing. */
  #conclude(tx: Transaction, limits: RouteLimits, strict: StrictFacts | null): Verdict {
    const decision = this.#decision;
    const metrics = this.#metrics;
    const { admitsFull, onAll } = this.#settings;
    if (decision.fullPolicy !== -1 && !admitsFull) {
      const { name, row } = this.#added[decision.fullPolicy] as RouteLimit;
      metrics.policy(row, 'full');
      tx.policy = name;
      return refuse('SP_LIMITER_FULL', undefined, RETRY_SOON_FIELDS);
    }
    if (decision.waitMs === 0) {
      for (let i = 0; i < decision.policies; i += 1) {
        const isFull = decision.fullPolicy !== -1 && decision.full[i] === 1;
        metrics.policy((this.#added[i] as RouteLimit).row, isFull ? 'full' : 'admitted');
      }
      if (!onAll) return PASS;
      // None speaks where all found the table full.
      if (strict !== null && (decision.policy === -1 || strict.remaining <= decision.remaining)) {
        this.#tell(tx, limits, strict, strict.windowName, strict.remaining, strict.leftMs);
      } else if (decision.policy !== -1) {
        const limit = this.#added[decision.policy] as RouteLimit;
        const windowName = limit.windowNames[decision.window] as string;
        this.#tell(tx, limits, strict, windowName, decision.remaining, decision.leftMs);
      }
      return PASS;
    }
    const limit = this.#added[decision.policy] as RouteLimit;
    metrics.policy(limit.row, 'refused');
    return this.#refuse(tx, limits, strict, limit, limit.windowNames[decision.window] as string, decision.waitMs);
  }

  #refuse(
    tx: Transaction,
    limits: RouteLimits,
    strict: StrictFacts | null,
    limit: RouteLimit,
    windowName: string,
    waitMs: number,
  ): Verdict {
    tx.policy = limit.name;
    const seconds = Math.ceil(waitMs / 1_000);
    this.#tell(tx, limits, strict, windowName, 0, waitMs);
    // Not less than the wait: who waits so long is admitted.
    return retryLater('SP_RATE_LIMITED', seconds, "You've reached the API limit.");
  }

  /** Of all windows that looked at a request, the one with least room left speaks; one that refuses comes last. */
  #tell(
    tx: Transaction,
    limits: RouteLimits,
    strict: StrictFacts | null,
    windowName: string,
    remaining: number,
    leftMs: number,
  ): void {
    const policies = this.#policyField(limits, strict);
    const isFirst = tx.ratePolicies === '';
    tx.ratePolicies = isFirst ? policies : `${tx.ratePolicies}, ${policies}`;
    if (isFirst || remaining <= tx.rateRemaining) {
      tx.rateWindow = `${windowName};r=${remaining};t=${Math.ceil(leftMs / 1_000)}`;
      tx.rateRemaining = remaining;
    }
    // IETF draft-ietf-httpapi-ratelimit-headers.
    tx.answerText = `\r\nratelimit-policy: ${tx.ratePolicies}\r\nratelimit: ${tx.rateWindow}`;
  }

  /** Policies that this request is exempt from are not named. */
  #policyField(limits: RouteLimits, strict: StrictFacts | null): string {
    const count = this.#decision.policies;
    const strictCount = strict === null ? 0 : strict.asked.length;
    if (count + strictCount === limits.limits.length) return limits.policyField;
    let field = '';
    for (let i = 0; i < count; i += 1) field += (i === 0 ? '' : ', ') + (this.#added[i] as RouteLimit).policyItems;
    for (let i = 0; i < strictCount; i += 1) {
      field += (field === '' ? '' : ', ') + ((strict as StrictFacts).asked[i] as RouteLimit).policyItems;
    }
    return field;
  }
}
