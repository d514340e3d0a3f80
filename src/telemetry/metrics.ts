// hot path: synchronous, never throws
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import {
  AUTH_REASONS,
  type AuthReason,
  IDENTITY_KINDS,
  type IdentityKind,
  INTROSPECTION_RESULTS,
  type IntrospectionResult,
} from '../identity.ts';
import { TARGETS_MAX } from '../limits.ts';
import {
  ACTIVE_KEPT,
  BUCKET_BOUNDS_MS,
  BYTES_IN,
  BYTES_OUT,
  CONNECT_FAILED,
  DURATION_BUCKETS,
  DURATION_SUM,
  EJECTED,
  HANDLER_ERRORS,
  IN_FLIGHT,
  INTROSPECTED,
  LOG_LINES_LOST,
  LOOP_PEAK,
  LOOP_PEAK_BEFORE,
  LOOP_WINDOW,
  OFFLOAD_REFUSALS,
  OFFLOADED,
  OFFLOADS_REFUSED,
  OFFLOADS_UNDER_WAY,
  type OffloadRefusal,
  OPENED,
  OTHER_RULES,
  OTHERS_KEPT,
  OUTCOMES,
  POLICY_OUTCOMES,
  POLICY_ROWS,
  POLICY_WORDS,
  type PolicyOutcome,
  RETRIED,
  REUSED,
  ROUTE_WORDS,
  RULE_ACTIONS,
  RULE_PROBES,
  RULE_ROW_WORDS,
  RULES_METERED,
  type RuleAction,
  SHED_LEVEL,
  shapeOf,
  stripeOf,
  TARGET_WORDS,
  UPSTREAM_BUCKETS,
  UPSTREAM_SUM,
  WAF,
  WAF_OUTCOMES,
  WAF_UNSEEN,
  WAF_UNSEEN_BODIES,
  WAIT_BUCKETS,
  WAIT_SUM,
  type WafOutcome,
  type WafUnseenBody,
  WEBSOCKETS,
} from './layout.ts';

/** Length of a window of the loop-delay gauge: about one scrape interval. */
const LOOP_WINDOW_MS = 15_000;

const ERROR_INDEX: ReadonlyMap<ErrorCode, number> = new Map(ERROR_CODES.map((code, index) => [code, index]));

const OUTCOME_INDEX: ReadonlyMap<PolicyOutcome, number> = new Map(
  POLICY_OUTCOMES.map((outcome, index) => [outcome, index]),
);

/** Where ways to be known and reasons for refusal are counted. */
const CALLER_INDEX: ReadonlyMap<IdentityKind | AuthReason, number> = new Map(
  [...IDENTITY_KINDS, ...AUTH_REASONS].map((label, index) => [label, index]),
);

const INTROSPECTION_INDEX: ReadonlyMap<IntrospectionResult, number> = new Map(
  INTROSPECTION_RESULTS.map((result, index) => [result, index]),
);

const LAST_BOUND_MS = BUCKET_BOUNDS_MS.at(-1) ?? 0;

/**
 * Bucket by half milliseconds, rounded up: exact, since every bound is a multiple of 0.5 ms. A search would cost a
 * mispredicted branch per step (25 ns for two durations); of these 20 kB real traffic touches a few cache lines.
 */
const BUCKET_OF_HALF_MS = Uint8Array.from({ length: LAST_BOUND_MS * 2 + 1 }, (_, half) =>
  BUCKET_BOUNDS_MS.findIndex((bound) => half <= bound * 2),
);

/**
 * What one thread counts. A few plain stores into the thread's own stripe of the shared table: see `layout.ts` for why
 * that is safe to read from another thread.
 *
 * Threads: one writer per index at a time. A replacement of a dead thread takes the same index and counts on: no
 * counter vanishes or goes back; the gauges of the dead thread (requests, WebSockets) start at zero again with it.
 */
export class ThreadMetrics {
  readonly #words: Float64Array;
  readonly #errorsAt: number;
  readonly #routesAt: number;
  readonly #targetsAt: number;
  readonly #policiesAt: number;
  readonly #callersAt: number;
  readonly #rulesAt: number;
  readonly #lastRow: number;

  /** @throws RangeError when the table has no stripe `threadIndex`. */
  constructor(table: SharedArrayBuffer, threadIndex: number) {
    const { errorsAt, routesAt, targetsAt, policiesAt, callersAt, rulesAt, routeRows } = shapeOf(table);
    this.#words = stripeOf(table, threadIndex);
    this.#errorsAt = errorsAt;
    this.#routesAt = routesAt;
    this.#targetsAt = targetsAt;
    this.#policiesAt = policiesAt;
    this.#callersAt = callersAt;
    this.#rulesAt = rulesAt;
    this.#lastRow = routeRows - 1;
    for (const gauge of [
      IN_FLIGHT,
      WEBSOCKETS,
      LOOP_WINDOW,
      LOOP_PEAK,
      LOOP_PEAK_BEFORE,
      SHED_LEVEL,
      OFFLOADS_UNDER_WAY,
    ])
      this.#words[gauge] = 0;
    this.answersKept(0, 0);
  }

  /**
   * Counts one finished request.
   *
   * @param routeIndex  `Route.index`, or -1 where no route matched. Past the metered ones it counts as "other".
   * @param status      100..599, or 0 where no answer was sent.
   * @param durationMs  From first byte to last; below 0 or NaN counts as 0.
   * @param upstreamMs  Time spent waiting for the upstream, or -1 where none was asked.
   */
  request(
    routeIndex: number,
    status: number,
    durationMs: number,
    upstreamMs: number,
    bytesIn: number,
    bytesOut: number,
  ): void {
    const words = this.#words;
    const at = this.#routeWord(routeIndex);
    add(words, at + classOf(status), 1);
    if (bytesIn > 0) add(words, at + BYTES_IN, bytesIn);
    if (bytesOut > 0) add(words, at + BYTES_OUT, bytesOut);
    if (durationMs > 0) add(words, at + DURATION_SUM, durationMs);
    add(words, at + DURATION_BUCKETS + bucketOf(durationMs), 1);
    if (upstreamMs >= 0) {
      add(words, at + UPSTREAM_SUM, upstreamMs);
      add(words, at + UPSTREAM_BUCKETS + bucketOf(upstreamMs), 1);
    }
  }

  /** What a firewall made of a request. @param routeIndex  As in `request`. */
  inspected(routeIndex: number, outcome: WafOutcome): void {
    add(this.#words, this.#routeWord(routeIndex) + WAF + WAF_OUTCOMES.indexOf(outcome), 1);
  }

  /** A body that rules should have seen, and did not see all of. */
  unseenBody(routeIndex: number, body: WafUnseenBody): void {
    add(this.#words, this.#routeWord(routeIndex) + WAF_UNSEEN + WAF_UNSEEN_BODIES.indexOf(body), 1);
  }

  /** A body went to an inspect thread, or waits for one. */
  offloaded(): void {
    add(this.#words, OFFLOADED, 1);
  }

  /** Bodies of this thread that inspect threads have, or that wait for one. */
  offloadsUnderWay(count: number): void {
    this.#words[OFFLOADS_UNDER_WAY] = count;
  }

  /** A body for which no inspect thread had time: at once, or within its deadline. */
  offloadRefused(why: OffloadRefusal): void {
    add(this.#words, OFFLOADS_REFUSED + OFFLOAD_REFUSALS.indexOf(why), 1);
  }

  /** A rule held. @param id  Positive. */
  ruleHeld(id: number, action: RuleAction): void {
    const words = this.#words;
    const word = RULE_ACTIONS.indexOf(action);
    for (let probe = 0; probe < RULE_PROBES; probe += 1) {
      const at = this.#rulesAt + ((id + probe * probe) % RULES_METERED) * RULE_ROW_WORDS;
      if (words[at] === 0) words[at] = id;
      if (words[at] === id) {
        add(words, at + 1 + word, 1);
        return;
      }
    }
    add(words, this.#rulesAt + OTHER_RULES + word, 1);
  }

  /** Counts one refusal or failure under its code. */
  error(code: ErrorCode): void {
    const index = ERROR_INDEX.get(code);
    if (index !== undefined) add(this.#words, this.#errorsAt + index, 1);
  }

  /** A request began (+1) or ended (-1). */
  inFlight(delta: number): void {
    add(this.#words, IN_FLIGHT, delta);
  }

  /** A WebSocket opened (+1) or closed (-1). */
  websockets(delta: number): void {
    add(this.#words, WEBSOCKETS, delta);
  }

  /** Log lines that this thread had to drop. */
  logLinesLost(count: number): void {
    add(this.#words, LOG_LINES_LOST, count);
  }

  /** An error that a handler threw: each one is a bug. */
  handlerErrors(): void {
    add(this.#words, HANDLER_ERRORS, 1);
  }

  /**
   * How late a timer of this thread fired. Scrapes show the highest of the last 15 to 30 seconds.
   *
   * @param delayMs  Lateness, milliseconds >= 0.
   * @param nowMs    Any steady clock, milliseconds.
   */
  loopDelay(delayMs: number, nowMs: number): void {
    const words = this.#words;
    // Never 0, so that a fresh stripe differs from its first window.
    const window = Math.floor(nowMs / LOOP_WINDOW_MS) + 1;
    const before = words[LOOP_WINDOW] ?? 0;
    if (window !== before) {
      words[LOOP_PEAK_BEFORE] = window === before + 1 ? (words[LOOP_PEAK] ?? 0) : 0;
      words[LOOP_PEAK] = 0;
      words[LOOP_WINDOW] = window;
    }
    if (delayMs > (words[LOOP_PEAK] ?? 0)) words[LOOP_PEAK] = delayMs;
  }

  /** A new connection to the target in `slot` is ready. */
  connectionOpened(slot: number): void {
    this.#target(slot, OPENED);
  }

  /** A kept connection took one more request. */
  connectionReused(slot: number): void {
    this.#target(slot, REUSED);
  }

  /** A connection could not be made: refused, timed out, TLS. */
  connectFailed(slot: number): void {
    this.#target(slot, CONNECT_FAILED);
  }

  /** A request was tried again after the target in `slot` failed it. */
  retried(slot: number): void {
    this.#target(slot, RETRIED);
  }

  /** The target was left out after failures. Called by the thread that decided it. */
  ejected(slot: number): void {
    this.#target(slot, EJECTED);
  }

  /** One try at a target ended. @param status  100..599, or 0 where it gave no usable answer. */
  upstreamRequest(slot: number, status: number): void {
    this.#target(slot, OUTCOMES + classOf(status));
  }

  /** What a policy made of a request. @param row  From the generation; past the metered ones it counts as "other". */
  policy(row: number, outcome: PolicyOutcome): void {
    add(this.#words, this.#policyWord(row) + (OUTCOME_INDEX.get(outcome) ?? 0), 1);
  }

  /** How long a request waited for a policy. @param ms  Milliseconds >= 0. */
  waited(row: number, ms: number): void {
    const at = this.#policyWord(row);
    add(this.#words, at + WAIT_SUM, ms);
    add(this.#words, at + WAIT_BUCKETS + bucketOf(ms), 1);
  }

  /** A request whose caller is known. */
  authKnown(kind: IdentityKind): void {
    add(this.#words, this.#callersAt + (CALLER_INDEX.get(kind) ?? 0), 1);
  }

  /** One that was refused for its caller. */
  authRefused(reason: AuthReason): void {
    add(this.#words, this.#callersAt + (CALLER_INDEX.get(reason) ?? 0), 1);
  }

  /** A question about an opaque token has ended, or could not be asked. */
  introspected(result: IntrospectionResult): void {
    add(this.#words, this.#callersAt + INTROSPECTED + (INTROSPECTION_INDEX.get(result) ?? 0), 1);
  }

  /** Answers about opaque tokens that are kept now. */
  answersKept(active: number, others: number): void {
    this.#words[this.#callersAt + ACTIVE_KEPT] = active;
    this.#words[this.#callersAt + OTHERS_KEPT] = others;
  }

  /** How overloaded this thread is. @param level  0 to 1. */
  shedLevel(level: number): void {
    this.#words[SHED_LEVEL] = level;
  }

  #routeWord(routeIndex: number): number {
    return this.#routesAt + Math.max(0, Math.min(routeIndex + 1, this.#lastRow)) * ROUTE_WORDS;
  }

  #policyWord(row: number): number {
    return this.#policiesAt + Math.max(0, Math.min(row, POLICY_ROWS - 1)) * POLICY_WORDS;
  }

  #target(slot: number, word: number): void {
    // A bad slot must not count into a neighbour's row.
    if (slot >>> 0 < TARGETS_MAX) add(this.#words, this.#targetsAt + slot * TARGET_WORDS + word, 1);
  }
}

/** Bucket of a duration: the first whose bound is not below it. Negative and NaN go to the first one. */
export function bucketOf(ms: number): number {
  if (ms > LAST_BOUND_MS) return BUCKET_BOUNDS_MS.length;
  return ms > 0 ? (BUCKET_OF_HALF_MS[Math.ceil(ms * 2)] ?? 0) : 0;
}

/** 1..5 for a status, 0 for anything that is none. */
function classOf(status: number): number {
  return status >= 100 && status < 600 ? (status / 100) | 0 : 0;
}

function add(words: Float64Array, at: number, amount: number): void {
  words[at] = (words[at] ?? 0) + amount;
}
