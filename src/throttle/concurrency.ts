// hot path: synchronous, never throws
import {
  BUCKETS,
  bucketOf,
  EPOCH,
  LIMIT,
  latencyWord,
  NEXT_STRIPE,
  REFUSED,
  rowWord,
  stripeWord,
  THREADS_WORD,
  UNDER_WAY,
} from './concurrency-layout.ts';

/** Stores that a core holds back from the others at once are fewer than this. */
const UNSEEN_MAX = 64;

/**
 * The bound on requests under way of one route or upstream, as one thread sees it. What the bound is, main decides:
 * see `concurrency-keeper.ts`.
 *
 * A request is counted first and the sum over all threads looked at then, so that the bound is never passed; two that
 * race for the last place may both be refused. When the bound falls, those under way stay.
 *
 * Threads: one instance per thread and row, the only writer of its stripe.
 */
export class ConcurrencyGate {
  readonly #words: Int32Array;
  readonly #limit: number;
  readonly #epoch: number;
  readonly #first: number;
  readonly #own: number;
  readonly #latencies: number;
  readonly #threads: number;
  readonly #isAdaptive: boolean;
  readonly #uploadsMax: number;
  #uploads = 0;

  /**
   * @param words        The keeper's table.
   * @param threadIndex  0 <= threadIndex < threads of the table.
   * @param row          What the keeper gave the plan.
   * @param isAdaptive   Latencies are of use.
   * @param uploadsMax   Most requests of this instance whose bodies still come: see `enterUpload`.
   */
  constructor(
    words: Int32Array,
    threadIndex: number,
    row: number,
    isAdaptive: boolean,
    uploadsMax: number = Number.POSITIVE_INFINITY,
  ) {
    this.#words = words;
    this.#limit = rowWord(row) + LIMIT;
    this.#epoch = rowWord(row) + EPOCH;
    this.#first = stripeWord(0, row) + UNDER_WAY;
    this.#own = stripeWord(threadIndex, row);
    this.#latencies = latencyWord(threadIndex, row);
    this.#threads = words[THREADS_WORD] as number;
    this.#isAdaptive = isAdaptive;
    this.#uploadsMax = uploadsMax;
  }

  /** @returns  false when there is no room: SP_CONCURRENCY, and nothing to leave. */
  enter(): boolean {
    const words = this.#words;
    const at = this.#own + UNDER_WAY;
    // An atomic store, so that it is out before this thread looks at the sum.
    Atomics.store(words, at, (words[at] as number) + 1);
    const limit = words[this.#limit] as number;
    if (this.#glance() <= limit / 2 - this.#threads * UNSEEN_MAX || this.#sum() <= limit) return true;
    words[at] = (words[at] as number) - 1;
    const refused = this.#own + REFUSED;
    words[refused] = (words[refused] as number) + 1;
    return false;
  }

  /**
   * Once for each `enter` that said true.
   *
   * @param startedMs  Steady clock at `enter`.
   * @param steadyMs   Steady clock now.
   * @param tells      The time tells how loaded the other end is: it answered, or ran out of time. Not where the client
   *                   left, no connection came about, or the answer was an error that took no work.
   */
  leave(startedMs: number, steadyMs: number, tells: boolean): void {
    const words = this.#words;
    const at = this.#own + UNDER_WAY;
    words[at] = (words[at] as number) - 1;
    if (!this.#isAdaptive || !tells) return;
    // Modulo 2^32: the sign of the difference tells which was first.
    if (((Math.floor(startedMs) - (words[this.#epoch] as number)) | 0) < 0) return;
    const bucket = this.#latencies + Math.min(BUCKETS - 1, bucketOf(steadyMs - startedMs));
    words[bucket] = (words[bucket] as number) + 1;
  }

  /**
   * For a request whose body still comes: let in where there is room, but without a place, or a few clients that send
   * slowly would have them all.
   *
   * @returns  false when there is no room; else `uploaded` or `leaveUpload` follows, once.
   */
  enterUpload(): boolean {
    if (this.#uploads >= this.#uploadsMax || !this.enter()) return false;
    const at = this.#own + UNDER_WAY;
    this.#words[at] = (this.#words[at] as number) - 1;
    this.#uploads += 1;
    return true;
  }

  /** All of the body is here: the request takes its place, were it one too many. `leave` follows. */
  uploaded(): void {
    const at = this.#own + UNDER_WAY;
    this.#uploads -= 1;
    Atomics.store(this.#words, at, (this.#words[at] as number) + 1);
  }

  /** It ends before its body does. */
  leaveUpload(): void {
    this.#uploads -= 1;
  }

  #glance(): number {
    const words = this.#words;
    let at = this.#first;
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      sum += words[at] as number;
      at += NEXT_STRIPE;
    }
    return sum;
  }

  /** Exact near the bound: these reads are ordered after the store in `enter` on every machine. */
  #sum(): number {
    const words = this.#words;
    let at = this.#first;
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      sum += Atomics.load(words, at);
      at += NEXT_STRIPE;
    }
    return sum;
  }
}
