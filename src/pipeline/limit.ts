// hot path: synchronous, never throws
import { parseAddress } from '../base/ip-address.ts';
import { ClientPrefix } from '../base/ip-prefix.ts';
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import type { Decision } from '../limiter/decision.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, type Refusal, refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { capturedNames } from './hash-field.ts';
import { compileRouteLimits, type RouteLimit, type RouteLimits } from './limit-rules.ts';

/** A key that stands for an absent one must not be a value that somebody could send. */
const ADDRESS_INSTEAD = '\u0002';
/** A full table empties as windows pass, and Redis comes back: it is worth another try soon. */
const RETRY_SOON_FIELDS = Object.freeze(['retry-after', '1']);

/**
 * Phase limit: rate limit policies of the route. All decisions in shared memory; see `src/limiter`.
 *
 * @returns  A phase that refuses with 429, or null where no route has a limit.
 */
export function compileLimit(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const { config, routes, policyRows, decision } = context;
  const prefix = new ClientPrefix(config.limiter.ipv6PrefixBits);
  const compiled = compileRouteLimits(config, routes, capturedNames(config), prefix, policyRows);
  if (compiled.size === 0) return null;
  const phase = new LimitPhase(decision, context.metrics, config.limiter.whenFull === 'admit', {
    onAll: config.limiter.fields === 'all',
    prefix,
  });
  return (tx) => {
    const limits = tx.route === null ? undefined : compiled.get(tx.route);
    return limits === undefined ? PASS : phase.look(tx, limits);
  };
}

interface LimitSettings {
  /** RateLimit fields go with every answer, not with refusals alone. */
  readonly onAll: boolean;
  readonly prefix: ClientPrefix;
}

class LimitPhase {
  readonly #decision: Decision;
  readonly #metrics: ThreadMetrics;
  readonly #admitsFull: boolean;
  readonly #settings: LimitSettings;
  /** Limits of the request at hand, by their position in the decision. */
  readonly #added: RouteLimit[] = [];
  /** The one of them that may not count alone, while counts do not reach other machines. */
  #stuck: RouteLimit | null = null;

  constructor(decision: Decision, metrics: ThreadMetrics, admitsFull: boolean, settings: LimitSettings) {
    this.#decision = decision;
    this.#metrics = metrics;
    this.#admitsFull = admitsFull;
    this.#settings = settings;
  }

  look(tx: Transaction, limits: RouteLimits): Verdict {
    const decision = this.#decision;
    decision.begin(limits.cost, Math.floor(tx.startedAt + STEADY_OFFSET_MS));
    this.#stuck = null;
    for (const limit of limits.limits) this.#add(tx, limit);
    if (decision.policies === 0) return PASS;
    if (this.#stuck !== null) return this.#refuseAlone(tx, this.#stuck);
    decision.decide(this.#admitsFull);
    return this.#conclude(tx, limits);
  }

  #add(tx: Transaction, limit: RouteLimit): void {
    if (limit.exempt !== null) {
      const words = parseAddress(tx.client);
      if (words !== null && limit.exempt.has(words)) return;
    }
    let key = limit.key(tx);
    if (key === '') {
      if (limit.skipsMissing) return;
      key = ADDRESS_INSTEAD + this.#settings.prefix.of(tx.client);
    }
    if (limit.needsRedis && !this.#decision.reachesOthers) this.#stuck ??= limit;
    this.#added[this.#decision.policies] = limit;
    this.#decision.add(limit.rule, key);
  }

  #refuseAlone(tx: Transaction, { name, row }: RouteLimit): Verdict {
    this.#metrics.policy(row, 'refused');
    tx.policy = name;
    return refuse('SP_LIMITER_ALONE', undefined, RETRY_SOON_FIELDS);
  }

  #conclude(tx: Transaction, limits: RouteLimits): Verdict {
    const decision = this.#decision;
    const metrics = this.#metrics;
    if (decision.fullPolicy !== -1 && !this.#admitsFull) {
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
      // None speaks where all found the table full.
      if (this.#settings.onAll && decision.policy !== -1) {
        const limit = this.#added[decision.policy] as RouteLimit;
        tx.answerText += rateFields(
          this.#policyField(limits),
          limit.windowNames[decision.window] as string,
          decision.remaining,
          Math.ceil(decision.leftMs / 1_000),
        );
      }
      return PASS;
    }
    const limit = this.#added[decision.policy] as RouteLimit;
    metrics.policy(limit.row, 'refused');
    tx.policy = limit.name;
    const seconds = Math.ceil(decision.waitMs / 1_000);
    tx.answerText += rateFields(this.#policyField(limits), limit.windowNames[decision.window] as string, 0, seconds);
    return tooMany(seconds);
  }

  /** Policies that this request is exempt from are not named. */
  #policyField(limits: RouteLimits): string {
    const count = this.#decision.policies;
    if (count === limits.limits.length) return limits.policyField;
    let field = '';
    for (let i = 0; i < count; i += 1) field += (i === 0 ? '' : ', ') + (this.#added[i] as RouteLimit).policyItems;
    return field;
  }
}

/** IETF draft-ietf-httpapi-ratelimit-headers: the window with least room left speaks for all. */
function rateFields(policyField: string, windowName: string, remaining: number, seconds: number): string {
  return `\r\nratelimit-policy: ${policyField}\r\nratelimit: ${windowName};r=${remaining};t=${seconds}`;
}

/** @param seconds  Whole, and not less than the wait: who waits so long is admitted. */
function tooMany(seconds: number): Refusal {
  const wait = `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  const message = `You've reached the API limit. Please wait ${wait}.`;
  return refuse(
    'SP_RATE_LIMITED',
    undefined,
    ['retry-after', String(seconds)],
    `"error":"Too Many Requests","message":"${message}","retry_after":${seconds}`,
  );
}
