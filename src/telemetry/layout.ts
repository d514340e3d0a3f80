import { ERROR_CODES } from '../errors.ts';
import { AUTH_REASONS, IDENTITY_KINDS, INTROSPECTION_RESULTS } from '../identity.ts';
import { POLICIES_METERED_MAX, ROUTES_METERED_MAX, TARGETS_MAX, THREADS_MAX } from '../limits.ts';

/**
 * The metrics table: Float64 words in one SharedArrayBuffer. One stripe per thread, so that every word has one writer.
 *
 *     word 0            16                stripe 0               stripe 1
 *     +-----------------+----------------------------------------+-----------------  ...
 *     | header          | thread words | errors | routes     | targets | policies | the same again
 *     | threads, routes |     16       |  E     | (R+1) x 48 | T x 16  | P x 24   | callers: A, rules
 *     +-----------------+----------------------------------------+-----------------  ...
 *
 *     thread words   0 requests in flight   1 open WebSockets      2 log lines lost    3 handler errors
 *                    4 loop delay window    5 peak of that window  6 peak of the window before, ms
 *                    7 level of overload, 0 to 1
 *                    8 bodies given to inspect threads     9 those under way now
 *                    10 bodies refused: too many waited    11 bodies given up: too late
 *     error row      1 word: refusals with ERROR_CODES[row]
 *     route row      0..5   requests by class of status: none (never answered), 1xx, 2xx, 3xx, 4xx, 5xx
 *                    6, 7   bytes received, bytes sent
 *                    8      sum of durations, ms       9..22   requests per duration bucket, the last one +Inf
 *                    23     sum of upstream times, ms  24..37  requests per upstream bucket, the last one +Inf
 *                    38..42 requests by what a firewall made of them: see WAF_OUTCOMES
 *                    43..47 bodies of which it did not see all: see WAF_UNSEEN_BODIES
 *     route rows     row 0: no route matched; row i + 1: route i; the last row: every route that has none of its own
 *     target row     0 opened  1 reused  2 failed  3 retried  4 ejected
 *                    5..10  requests by class of status: failure, 1xx, 2xx, 3xx, 4xx, 5xx
 *     policy row     0..6   requests by what became of them: see POLICY_OUTCOMES
 *                    7      sum of waits, ms            8..21   waits per bucket, the last one +Inf
 *     policy rows    row i: policy i; the last row: every policy that has none of its own
 *     callers        requests by who called, IDENTITY_KINDS[word]; behind them refusals by AUTH_REASONS, questions
 *                    about opaque tokens by INTROSPECTION_RESULTS, and answers kept: active ones, others
 *     rules          RULES_METERED rows of a rule's id and how often it did each of RULE_ACTIONS, placed by the id;
 *                    behind them those counts of all rules that found no place
 *
 * Stripes begin on a 128-byte border: two cache lines, because x64 fetches lines in pairs. So no two threads write to
 * one line, and a count costs a load, an add and a store (an Atomics add: 5 ns each, and it takes integers only).
 *
 * Why plain words may be read by another thread: each has a single writer, so no count is lost. The specification
 * permits a float store to tear (ECMA-262, IsNoTearConfiguration), but V8 makes an aligned Float64 store one 8-byte
 * machine store on the 64-bit machines we run on, and x64 and arm64 never let a reader of one word go back in time. So
 * a counter never shrinks between scrapes. What a reader does not get is one moment for several words: therefore a
 * histogram's count is the sum of the buckets as read, never a word of its own that could contradict them.
 * Float64 holds every integer to 2^53: bytes do not wrap, as 32-bit words would after 4 GiB.
 */
export const HEADER_WORDS = 16;

export const THREAD_WORDS = 16;
export const IN_FLIGHT = 0;
export const WEBSOCKETS = 1;
export const LOG_LINES_LOST = 2;
export const HANDLER_ERRORS = 3;
export const LOOP_WINDOW = 4;
export const LOOP_PEAK = 5;
export const LOOP_PEAK_BEFORE = 6;
export const SHED_LEVEL = 7;
export const OFFLOADED = 8;
export const OFFLOADS_UNDER_WAY = 9;
/** Refused bodies: word = OFFLOADS_REFUSED + position. */
export const OFFLOADS_REFUSED = 10;
export const OFFLOAD_REFUSALS = Object.freeze(['full', 'late'] as const);
export type OffloadRefusal = (typeof OFFLOAD_REFUSALS)[number];

/** Classes of status of a route row: word = class, 0 for a request that was never answered. */
export const STATUS_CLASSES = Object.freeze(['none', '1xx', '2xx', '3xx', '4xx', '5xx']);

/** Upper bounds of the buckets, milliseconds, inclusive; one more bucket, +Inf, follows. */
export const BUCKET_BOUNDS_MS = Object.freeze([1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]);
export const BUCKETS = BUCKET_BOUNDS_MS.length + 1;

export const ROUTE_WORDS = 48;
export const BYTES_IN = STATUS_CLASSES.length;
export const BYTES_OUT = BYTES_IN + 1;
export const DURATION_SUM = BYTES_OUT + 1;
export const DURATION_BUCKETS = DURATION_SUM + 1;
export const UPSTREAM_SUM = DURATION_BUCKETS + BUCKETS;
export const UPSTREAM_BUCKETS = UPSTREAM_SUM + 1;
/** What a firewall made of a request: word = WAF + position. */
export const WAF = UPSTREAM_BUCKETS + BUCKETS;
export const WAF_OUTCOMES = Object.freeze(['passed', 'matched', 'detected', 'blocked', 'failed'] as const);
export type WafOutcome = (typeof WAF_OUTCOMES)[number];
/** Bodies of which rules did not see all: word = WAF_UNSEEN + position. */
export const WAF_UNSEEN = WAF + WAF_OUTCOMES.length;
export const WAF_UNSEEN_BODIES = Object.freeze([
  'request-cut',
  'request-coded',
  'answer-cut',
  'answer-coded',
  'request-busy',
] as const);
export type WafUnseenBody = (typeof WAF_UNSEEN_BODIES)[number];

export const TARGET_WORDS = 16;
export const OPENED = 0;
export const REUSED = 1;
export const CONNECT_FAILED = 2;
export const RETRIED = 3;
export const EJECTED = 4;
export const OUTCOMES = 5;

/** Classes of outcome of a target row: word = OUTCOMES + class, 0 for no usable answer. */
export const OUTCOME_CLASSES = Object.freeze(['failure', '1xx', '2xx', '3xx', '4xx', '5xx']);

export const POLICY_WORDS = 24;
export const POLICY_ROWS = POLICIES_METERED_MAX + 1;
/** What a policy made of a request: word = position. */
export const POLICY_OUTCOMES = Object.freeze([
  'admitted',
  'refused',
  'full',
  'alone',
  'waited',
  'late',
  'left',
] as const);
export type PolicyOutcome = (typeof POLICY_OUTCOMES)[number];
export const WAIT_SUM = POLICY_OUTCOMES.length;
export const WAIT_BUCKETS = WAIT_SUM + 1;

/** Words of the callers area. */
export const REFUSED_CALLERS = IDENTITY_KINDS.length;
export const INTROSPECTED = REFUSED_CALLERS + AUTH_REASONS.length;
export const ACTIVE_KEPT = INTROSPECTED + INTROSPECTION_RESULTS.length;
export const OTHERS_KEPT = ACTIVE_KEPT + 1;
const CALLER_WORDS = OTHERS_KEPT + 1;

/** Rules with a counter of their own; CRS has some 300 that are logged. */
export const RULES_METERED = 512;
/** Places looked at for one id. */
export const RULE_PROBES = 16;
/** What a rule that held did: word of its row = 1 + position. */
export const RULE_ACTIONS = Object.freeze(['blocked', 'detected', 'allowed', 'scored', 'matched'] as const);
export type RuleAction = (typeof RULE_ACTIONS)[number];
export const RULE_ROW_WORDS = 1 + RULE_ACTIONS.length;
export const OTHER_RULES = RULES_METERED * RULE_ROW_WORDS;
const RULE_WORDS = OTHER_RULES + RULE_ACTIONS.length;

/** Words in 128 bytes. */
const ALIGN_WORDS = 16;
const HEADER_THREADS = 0;
const HEADER_ROUTE_ROWS = 1;

/** Room for routes that later reloads bring, without moving the table. */
const ROUTE_ROWS_MIN = 256;

/** Where things are, for one table. */
export interface TableShape {
  readonly threads: number;
  /** Route rows in all: one for "no route", one per metered route, one for all others. */
  readonly routeRows: number;
  /** Word offsets within a stripe. */
  readonly errorsAt: number;
  readonly routesAt: number;
  readonly targetsAt: number;
  readonly policiesAt: number;
  readonly callersAt: number;
  readonly rulesAt: number;
  readonly stripeWords: number;
}

/**
 * Creates an empty table. Its size is fixed for the life of the process; pages nobody writes cost no memory.
 *
 * @param threads  Stripes: 1 <= threads <= THREADS_MAX.
 * @param routes   Routes configured at boot; there is room for as many again (at least 254), up to ROUTES_METERED_MAX.
 * @throws RangeError when threads or routes are out of range: a mistake of the caller, not of an operator.
 */
export function createMetricsTable(threads: number, routes: number): SharedArrayBuffer {
  if (!Number.isInteger(threads) || threads < 1 || threads > THREADS_MAX) throw new RangeError(`threads: ${threads}`);
  if (!Number.isInteger(routes) || routes < 0) throw new RangeError(`routes: ${routes}`);
  const routeRows = Math.min(Math.max(2 * routes + 2, ROUTE_ROWS_MIN), ROUTES_METERED_MAX + 2);
  const { stripeWords } = shape(threads, routeRows);
  const table = new SharedArrayBuffer((HEADER_WORDS + threads * stripeWords) * Float64Array.BYTES_PER_ELEMENT);
  const words = new Float64Array(table);
  words[HEADER_THREADS] = threads;
  words[HEADER_ROUTE_ROWS] = routeRows;
  return table;
}

/** Reads the shape of a table made by `createMetricsTable`. Threads: any; the header never changes. */
export function shapeOf(table: SharedArrayBuffer): TableShape {
  const header = new Float64Array(table, 0, HEADER_WORDS);
  return shape(header[HEADER_THREADS] ?? 0, header[HEADER_ROUTE_ROWS] ?? 0);
}

/** The words of one thread. @throws RangeError when the table has no such stripe. */
export function stripeOf(table: SharedArrayBuffer, threadIndex: number): Float64Array {
  const { threads, stripeWords } = shapeOf(table);
  if (!Number.isInteger(threadIndex) || threadIndex < 0 || threadIndex >= threads) {
    throw new RangeError(`thread index ${threadIndex} of ${threads}`);
  }
  const from = HEADER_WORDS + threadIndex * stripeWords;
  return new Float64Array(table, from * Float64Array.BYTES_PER_ELEMENT, stripeWords);
}

function shape(threads: number, routeRows: number): TableShape {
  const errorsAt = THREAD_WORDS;
  const routesAt = errorsAt + aligned(ERROR_CODES.length);
  const targetsAt = routesAt + routeRows * ROUTE_WORDS;
  const policiesAt = targetsAt + TARGETS_MAX * TARGET_WORDS;
  const callersAt = policiesAt + aligned(POLICY_ROWS * POLICY_WORDS);
  const rulesAt = callersAt + aligned(CALLER_WORDS);
  const stripeWords = rulesAt + aligned(RULE_WORDS);
  return { threads, routeRows, errorsAt, routesAt, targetsAt, policiesAt, callersAt, rulesAt, stripeWords };
}

function aligned(words: number): number {
  return Math.ceil(words / ALIGN_WORDS) * ALIGN_WORDS;
}
