// hot path: synchronous, never throws
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import type { ErrorCode } from '../errors.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { ConcurrencyGate } from '../throttle/concurrency.ts';
import type { Route, TakenPlaces, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import { busy } from './busy.ts';
import type { PhaseContext } from './context.ts';

/** Requests end and others begin all the time: soon is soon enough. */
const RETRY_SECONDS = 1;
/** Ways to end that tell how slow the upstream is although it did not answer. */
const TELLING: ReadonlySet<ErrorCode | null> = new Set<ErrorCode>([
  'SP_UPSTREAM_CONNECT_TIMEOUT',
  'SP_UPSTREAM_TIMEOUT',
  'SP_UPSTREAM_IDLE_TIMEOUT',
  'SP_TOTAL_TIMEOUT',
]);

/**
 * Phase concurrency: bounds on requests under way on the route and at its upstream. The account phase leaves the places
 * that were taken here.
 *
 * @returns  A phase that refuses with 503, or null where nothing is bounded.
 */
export function compileConcurrency(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const compiled = new Map<Route, RouteGates>();
  for (const route of context.routes) {
    const gates = gatesOf(route, context);
    if (gates.length > 0) compiled.set(route, new RouteGates(gates, context.metrics));
  }
  if (compiled.size === 0) return null;
  return (tx) => (tx.route === null ? PASS : (compiled.get(tx.route)?.enter(tx) ?? PASS));
}

interface NamedGate {
  /** `route:NAME` or `upstream:NAME`. */
  readonly name: string;
  /** Metrics row. */
  readonly row: number;
  readonly gate: ConcurrencyGate;
}

function gatesOf({ name, config: route }: Route, { config, policyRows, traffic }: PhaseContext): NamedGate[] {
  const upstream = config.upstreams[route.upstream]?.concurrency;
  return [
    { name: `route:${name}`, settings: route.policies.concurrency },
    { name: `upstream:${route.upstream}`, settings: upstream },
  ].flatMap(({ name: gateName, settings }) =>
    settings === undefined || settings.mode === 'off'
      ? []
      : [
          {
            name: gateName,
            row: policyRows[`concurrency:${gateName}`] ?? -1,
            gate: traffic.gate(gateName, settings.mode === 'adaptive'),
          },
        ],
  );
}

/** The bounds that hold on one route. Threads: one. */
class RouteGates implements TakenPlaces {
  readonly #gates: readonly NamedGate[];
  readonly #metrics: ThreadMetrics;

  constructor(gates: readonly NamedGate[], metrics: ThreadMetrics) {
    this.#gates = gates;
    this.#metrics = metrics;
  }

  enter(tx: Transaction): Verdict {
    const gates = this.#gates;
    for (const [index, { name, row, gate }] of gates.entries()) {
      if (gate.enter()) continue;
      for (const taken of gates.slice(0, index)) taken.gate.leave(0, 0, false);
      this.#metrics.policy(row, 'refused');
      tx.policy = name;
      return busy('SP_CONCURRENCY', RETRY_SECONDS);
    }
    for (const { row } of gates) this.#metrics.policy(row, 'admitted');
    tx.places = this;
    return PASS;
  }

  /** The latency counts from when the upstream could have all of the request. */
  leave(tx: Transaction, now: number): void {
    const from = Math.max(tx.wentOnAt, tx.bodyAt);
    const isAnswered = tx.upstreamMs >= 0;
    const to = isAnswered ? tx.wentOnAt + tx.upstreamMs : now;
    const tells = to >= from && tx.downstream.bodyComplete && (isAnswered ? tx.status < 500 : TELLING.has(tx.code));
    for (const { gate } of this.#gates) gate.leave(from + STEADY_OFFSET_MS, to + STEADY_OFFSET_MS, tells);
  }
}
