// hot path: synchronous, never throws

/** How a try failed, as far as it matters for another one. */
export type FailureKind =
  /** No connection: refused, unreachable, name not found, no answer to SYN in time. Nothing was sent. */
  | 'connect'
  /** No secure connection. Nothing was sent: there is no early data. */
  | 'tls'
  /** A connection that had served before died before the first byte of an answer: the keep-alive race. */
  | 'reset-reused'
  /** A connection died otherwise: a fresh one, or after the first byte of an answer. */
  | 'reset'
  | 'timeout'
  /** What came was not HTTP, or larger than allowed. */
  | 'garbage';

/**
 * So many retries are always allowed. A target that dies fails all its requests of a thread within one tick: the other
 * targets can bear these few more, and a share of little traffic would be none.
 */
export const RETRIES_ALWAYS = 16;

/** RFC 9110 9.2.2: safe methods, PUT and DELETE. Unknown ones are not idempotent. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Whether a failed try may be made again without the risk of doing a thing twice.
 *
 * | failure | any method | idempotent method |
 * |---|---|---|
 * | connect, tls: nothing was sent | if no body was read | if no body was read |
 * | reset-reused | never | if no body was read |
 * | reset, timeout, garbage | never | never |
 *
 * A fresh connection that dies is not retried, though RFC 9110 would allow it for GET: the request itself may be what
 * kills the server, and must not be carried to the next one.
 *
 * @param method       As received; methods are case-sensitive (RFC 9110 9.1).
 * @param bodyStarted  A byte of the request body was taken from the client: it cannot be had again.
 */
export function mayRetry(method: string, bodyStarted: boolean, failure: FailureKind): boolean {
  if (bodyStarted) return false;
  if (failure === 'connect' || failure === 'tls') return true;
  return failure === 'reset-reused' && IDEMPOTENT.has(method);
}

/**
 * Keeps retries from doubling the load of an upstream that fails: at most `budgetPercent` of the requests under way are
 * second tries, and a few always. Two counters.
 *
 * Threads: one instance per thread and upstream; each thread's share of retries follows from its share of requests.
 */
export class RetryBudget {
  readonly #budgetPercent: number;
  #requests = 0;
  #retries = 0;

  /** @param budgetPercent  0..100. */
  constructor(budgetPercent: number) {
    this.#budgetPercent = budgetPercent;
  }

  requestStarted(): void {
    this.#requests += 1;
  }

  requestEnded(): void {
    this.#requests -= 1;
  }

  /** @returns true when a retry may start now; `retryEnded` must follow once it is over, however it ends. */
  startRetry(): boolean {
    if (this.#retries + 1 > Math.max(RETRIES_ALWAYS, (this.#requests * this.#budgetPercent) / 100)) return false;
    this.#retries += 1;
    return true;
  }

  retryEnded(): void {
    this.#retries -= 1;
  }
}
