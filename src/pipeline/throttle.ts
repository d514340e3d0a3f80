// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { ClientPrefix } from '../base/ip-prefix.ts';
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Route, Transaction } from '../transaction.ts';
import { PASS, PENDING, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { compileKeyOrAddress } from './key-parts.ts';
import { QueuedRequest, type RouteThrottle, throttled } from './queued-request.ts';

/**
 * Phase throttle: lets requests through at the rate of the route's throttle; who comes too soon waits in its queue.
 *
 * @returns  A phase that is pending while a request waits and refuses with 503; null where no route has a throttle.
 */
export function compileThrottle(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const compiled = compileRouteThrottles(context);
  if (compiled.size === 0) return null;
  const phase = new ThrottlePhase(context.metrics);
  return (tx) => {
    const throttle = tx.route === null ? undefined : compiled.get(tx.route);
    return throttle === undefined ? PASS : phase.look(tx, throttle);
  };
}

function compileRouteThrottles({
  config,
  routes,
  captured,
  policyRows,
  traffic,
}: PhaseContext): ReadonlyMap<Route, RouteThrottle> {
  const prefix = new ClientPrefix(config.limiter.ipv6PrefixBits);
  const compiled = new Map<Route, RouteThrottle>();
  for (const route of routes) {
    const name = route.config.policies.throttle;
    const throttle = config.throttles[name];
    if (throttle === undefined) continue;
    compiled.set(
      route,
      Object.freeze({
        name,
        row: policyRows[`throttle:${name}`] ?? -1,
        key: compileKeyOrAddress(throttle.key, captured, prefix),
        queue: traffic.queue(name, throttle, route.name),
      }),
    );
  }
  return compiled;
}

class ThrottlePhase {
  readonly #metrics: ThreadMetrics;
  /** Used by the next request that must wait: those that go on at once cost no object. */
  #spare: QueuedRequest;

  constructor(metrics: ThreadMetrics) {
    this.#metrics = metrics;
    this.#spare = new QueuedRequest(metrics);
  }

  look(tx: Transaction, throttle: RouteThrottle): Verdict {
    // Not when the request began: a phase before may have waited.
    const now = performance.now();
    const steadyMs = now + STEADY_OFFSET_MS;
    const waiter = this.#spare;
    const entry = throttle.queue.enter(throttle.key(tx), waiter, steadyMs);
    if (entry === 'go') {
      this.#metrics.policy(throttle.row, 'admitted');
      tx.wentOnAt = now;
      return PASS;
    }
    if (entry === 'wait') {
      this.#spare = new QueuedRequest(this.#metrics);
      waiter.begin(tx, throttle);
      return PENDING;
    }
    this.#metrics.policy(throttle.row, entry);
    return throttled(tx, throttle, steadyMs);
  }
}
