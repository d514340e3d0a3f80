// hot path: synchronous, never throws
import { STEADY_OFFSET_MS } from '../base/steady-clock.ts';
import type { ErrorCode } from '../errors.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { ConcurrencyGate } from '../throttle/concurrency.ts';
import type { Route, TakenPlaces, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { retryLater } from './retry-later.ts';

/** Requests end and others begin all the time: soon is soon enough. */
const RETRY_SECONDS = 1;
/**
 * Answers from here on often cost the upstream nothing, and anybody can have them by asking for what is not there: in
 * bursts of quick ones a stranger would make all others look slow, and the bound fall to its least.
 */
const ERRORS_FROM = 400;
/** Ways to end without an answer that tell how slow the upstream is. */
const TELLING: ReadonlySet<ErrorCode | null> = new Set<ErrorCode>([
  'SP_UPSTREAM_CONNECT_TIMEOUT',
  'SP_UPSTREAM_TIMEOUT',
  'SP_UPSTREAM_IDLE_TIMEOUT',
  'SP_TOTAL_TIMEOUT',
]);

/**
 * Phase concurrency: bounds on requests under way on the route and at its upstream. The account phase leaves the places
 * that were taken here, and the upstream's answer some of them sooner.
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
  readonly isAdaptive: boolean;
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
            isAdaptive: settings.mode === 'adaptive',
            gate: traffic.gate(gateName, settings),
          },
        ],
  );
}

/**
 * The bounds that hold on one route. An adaptive one counts a request from when all of it is here until the head of its
 * answer, which is what it measures: streams and WebSockets that stay for hours must not fill it, nor must clients that
 * send slowly. A fixed one counts from here to the end.
 *
 * Threads: one.
 */
class RouteGates implements TakenPlaces {
  readonly #gates: readonly NamedGate[];
  readonly #metrics: ThreadMetrics;
  readonly #adaptive: readonly NamedGate[];
  /** What is left once the answer is there. */
  readonly #rest: RouteGates | null;
  readonly #uploading: UploadPlaces;

  constructor(gates: readonly NamedGate[], metrics: ThreadMetrics) {
    this.#gates = gates;
    this.#metrics = metrics;
    this.#adaptive = gates.filter(({ isAdaptive }) => isAdaptive);
    const fixed = gates.filter(({ isAdaptive }) => !isAdaptive);
    this.#rest = fixed.length === gates.length ? this : fixed.length === 0 ? null : new RouteGates(fixed, metrics);
    this.#uploading = new UploadPlaces(this, this.#adaptive, this.#rest);
  }

  enter(tx: Transaction): Verdict {
    const gates = this.#gates;
    const isUpload = this.#adaptive.length > 0 && !tx.downstream.bodyComplete;
    for (let i = 0; i < gates.length; i += 1) {
      const { name, row, gate, isAdaptive } = gates[i] as NamedGate;
      if (isUpload && isAdaptive ? gate.enterUpload() : gate.enter()) continue;
      for (let taken = 0; taken < i; taken += 1) {
        const before = gates[taken] as NamedGate;
        if (isUpload && before.isAdaptive) before.gate.leaveUpload();
        else before.gate.leave(0, 0, false);
      }
      this.#metrics.policy(row, 'refused');
      tx.policy = name;
      return retryLater('SP_CONCURRENCY', RETRY_SECONDS);
    }
    for (let i = 0; i < gates.length; i += 1) this.#metrics.policy((gates[i] as NamedGate).row, 'admitted');
    tx.places = isUpload ? this.#uploading : this;
    return PASS;
  }

  uploaded(): void {
    // All of it was here, or none of these bounds asks.
  }

  answered(tx: Transaction, status: number, now: number): void {
    tx.places = this.#rest;
    leaveAll(this.#adaptive, tx, now, tx.downstream.bodyComplete && status < ERRORS_FROM);
  }

  leave(tx: Transaction, now: number): void {
    tx.places = null;
    leaveAll(this.#gates, tx, now, tx.downstream.bodyComplete && TELLING.has(tx.code));
  }
}

/** The same while the body still comes: adaptive bounds have let the request in and do not count it yet. */
class UploadPlaces implements TakenPlaces {
  readonly #whole: RouteGates;
  readonly #adaptive: readonly NamedGate[];
  readonly #rest: RouteGates | null;

  constructor(whole: RouteGates, adaptive: readonly NamedGate[], rest: RouteGates | null) {
    this.#whole = whole;
    this.#adaptive = adaptive;
    this.#rest = rest;
  }

  uploaded(tx: Transaction): void {
    tx.places = this.#whole;
    for (let i = 0; i < this.#adaptive.length; i += 1) (this.#adaptive[i] as NamedGate).gate.uploaded();
  }

  /** The answer overtook the body. */
  answered(tx: Transaction): void {
    tx.places = this.#rest;
    for (let i = 0; i < this.#adaptive.length; i += 1) (this.#adaptive[i] as NamedGate).gate.leaveUpload();
  }

  leave(tx: Transaction, now: number): void {
    this.answered(tx);
    tx.places?.leave(tx, now);
  }
}

/** The latency counts from when the upstream could have all of the request. */
function leaveAll(gates: readonly NamedGate[], tx: Transaction, now: number, tells: boolean): void {
  const from = Math.max(tx.wentOnAt, tx.bodyAt) + STEADY_OFFSET_MS;
  for (let i = 0; i < gates.length; i += 1) (gates[i] as NamedGate).gate.leave(from, now + STEADY_OFFSET_MS, tells);
}
