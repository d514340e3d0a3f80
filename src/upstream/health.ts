// hot path: synchronous, never throws
import {
  ACTIVE,
  CONNECTIONS,
  EJECTIONS,
  EJECTIONS_EVER,
  LAST_END,
  openTargetTable,
  PASSIVE,
  PASSIVE_OUT,
  PASSIVE_PROBING,
  REQUESTS,
  STRIPE_SLOT_WORDS,
  STRIPE_WORDS,
  slotWord,
  stripeWord,
  THREADS_WORD,
  TICK_MS,
  TICKS_AHEAD_MAX,
  TICKS_MASK,
} from './layout.ts';

/** `health.passive` of an upstream's configuration. */
export interface EjectionPolicy {
  /** Failures in a row before ejection, over all threads; 0 for never. */
  readonly failuresMax: number;
  readonly ejectMs: number;
  readonly ejectMsMax: number;
  readonly ejectPercentMax: number;
}

/** What operators are told of a target. `half-open`: its ejection is over, but nothing has proved it sound yet. */
export type TargetState = 'up' | 'down' | 'ejected' | 'half-open';

/** Longest time one request stands for a target alone after its ejection; then the next one may try. */
const PROBE_MS = 1_000;
/** More stores than a core holds back from the others at once; far more than it makes here in that time. */
const UNSEEN_MAX = 64;
const ACTIVE_DOWN = 1;
const UNEXAMINED = 0;

/**
 * One thread's view of the health of all targets.
 *
 * `nowMs` must come from one clock for all threads of the process, best a monotonic one. `performance.now()` is one as
 * long as workers count from the process's start and not from their own; test/upstream/health.test.ts holds Node to it.
 *
 * Threads: any number, one instance each. Counts of requests and connections have one writer, the owning thread. Hot
 * reads are plain: an aligned Int32 never tears, a value some nanoseconds old does no harm, each change is checked by a
 * compare-exchange, and `Atomics.load` is a call of 15 ns on Node 20 where a plain read takes 2.
 * Source: outlier detection of consecutive failures as in Envoy, half-open circuit with one probe at a time.
 */
export class TargetHealth {
  readonly threadIndex: number;
  readonly #words: Int32Array;
  readonly #stripe: number;

  /**
   * @param table        From `createTargetTable`, the same for all threads.
   * @param threadIndex  Number of the ingress thread, 0 <= threadIndex < THREADS_MAX, or MAIN_THREAD.
   */
  constructor(table: SharedArrayBuffer, threadIndex: number) {
    this.threadIndex = threadIndex;
    this.#words = openTargetTable(table, threadIndex);
    this.#stripe = stripeWord(threadIndex);
  }

  /** Neither held down by active checks nor ejected. Half-open counts as usable: `claim` decides who probes. */
  usable(slot: number, nowMs: number): boolean {
    const words = this.#words;
    const word = slotWord(slot);
    if (words[word + ACTIVE] === ACTIVE_DOWN) return false;
    const passive = words[word + PASSIVE] as number;
    return passive >= 0 || ticksLeft(passive, nowMs) === 0;
  }

  /** What active checks say; true where there are none. */
  activelyUp(slot: number): boolean {
    return this.#words[slotWord(slot) + ACTIVE] !== ACTIVE_DOWN;
  }

  /**
   * To be asked once a usable target was chosen. A sound target says yes to everybody; a half-open one to a single
   * request per PROBE_MS over all threads, so that a target which still hangs costs one request and not a burst.
   *
   * @returns false when somebody else probes it: choose again.
   */
  claim(slot: number, nowMs: number): boolean {
    const at = slotWord(slot) + PASSIVE;
    const passive = this.#words[at] as number;
    if (passive >= 0) return true;
    if (ticksLeft(passive, nowMs) > 0) return false;
    const claimed = PASSIVE_OUT | PASSIVE_PROBING | tickAfter(nowMs, PROBE_MS);
    return Atomics.compareExchange(this.#words, at, passive, claimed) === passive;
  }

  /**
   * The target answered. Ends the row of failures, and brings a half-open target back. While it is ejected nothing
   * changes: answers to requests from before would otherwise undo each ejection of a target that fails mostly.
   */
  succeeded(slot: number, nowMs: number): void {
    const at = slotWord(slot) + PASSIVE;
    let passive = this.#words[at] as number;
    while (passive !== UNEXAMINED) {
      if (passive < 0 && (passive & PASSIVE_PROBING) === 0 && ticksLeft(passive, nowMs) > 0) return;
      const seen = Atomics.compareExchange(this.#words, at, passive, UNEXAMINED);
      if (seen === passive) return;
      passive = seen;
    }
  }

  /**
   * The target failed: no connection, reset, time-out or garbage. Not for 5xx answers, which come from a live server.
   *
   * @param policy         `health.passive`; ejectMs and ejectMsMax >= 100.
   * @param upstreamSlots  Slots of all targets of the upstream, this one included; none twice.
   * @returns  true when this very failure ejected the target: exactly one thread sees it, for the log and the metric.
   *
   * Threads: any number. One compare-exchange on the passive word decides. The bound on how many are out at once lies
   * in many words: it is looked at before, and again after, where whoever finds too many out takes its own ejection
   * back. Two that meet may both step back; the next failure tries again. More than the bound never stay out.
   */
  failed(slot: number, policy: EjectionPolicy, nowMs: number, upstreamSlots: ArrayLike<number>): boolean {
    const at = slotWord(slot) + PASSIVE;
    let passive = Atomics.load(this.#words, at);
    for (;;) {
      let next: number;
      if (policy.failuresMax === 0) {
        if (passive === UNEXAMINED) return false;
        next = UNEXAMINED;
      } else if (passive < 0 && (passive & PASSIVE_PROBING) === 0 && ticksLeft(passive, nowMs) > 0) {
        return false;
      } else if (passive >= 0 && passive + 1 < policy.failuresMax) {
        next = passive + 1;
      } else if (!this.#mayEject(slot, policy, nowMs, upstreamSlots)) {
        if (passive === policy.failuresMax) return false;
        next = policy.failuresMax;
      } else {
        next = PASSIVE_OUT | tickAfter(nowMs, this.#ejectionMs(slot, policy, nowMs));
      }
      const seen = Atomics.compareExchange(this.#words, at, passive, next);
      if (seen === passive) return next < 0 && this.#confirm(slot, next, policy, nowMs, upstreamSlots);
      passive = seen;
    }
  }

  /** An atomic store, so that it is out before this thread looks at the sum: see circuit.ts. */
  requestStarted(slot: number): void {
    const at = this.#stripe + slot * STRIPE_SLOT_WORDS + REQUESTS;
    Atomics.store(this.#words, at, (this.#words[at] as number) + 1);
  }

  /** A plain store: whoever sees it late counts one too many, which bounds nothing less. */
  requestEnded(slot: number): void {
    const at = this.#stripe + slot * STRIPE_SLOT_WORDS + REQUESTS;
    this.#words[at] = (this.#words[at] as number) - 1;
  }

  connectionOpened(slot: number): void {
    const at = this.#stripe + slot * STRIPE_SLOT_WORDS + CONNECTIONS;
    Atomics.store(this.#words, at, (this.#words[at] as number) + 1);
  }

  connectionClosed(slot: number): void {
    const at = this.#stripe + slot * STRIPE_SLOT_WORDS + CONNECTIONS;
    this.#words[at] = (this.#words[at] as number) - 1;
  }

  /** Requests under way, all threads, as they look at this moment. One read per thread. */
  requests(slot: number): number {
    return this.#glance(slot, REQUESTS);
  }

  /** Connections open, idle ones included, all threads. */
  connections(slot: number): number {
    return this.#glance(slot, CONNECTIONS);
  }

  /**
   * Whether no more than `bound` requests are under way, this thread's latest one counted in. Exact near the bound,
   * where reads are ordered after that store on every machine (a plain read may overtake it on ARM); far below it a
   * glance will do.
   */
  requestsWithin(slot: number, bound: number): boolean {
    return this.#within(slot, REQUESTS, bound);
  }

  connectionsWithin(slot: number, bound: number): boolean {
    return this.#within(slot, CONNECTIONS, bound);
  }

  /** Ejections of the target since its slot was given out: a counter for metrics. */
  ejections(slot: number): number {
    return Atomics.load(this.#words, slotWord(slot) + EJECTIONS_EVER) >>> 0;
  }

  state(slot: number, nowMs: number): TargetState {
    if (!this.activelyUp(slot)) return 'down';
    const passive = Atomics.load(this.#words, slotWord(slot) + PASSIVE);
    if (passive >= 0) return 'up';
    return (passive & PASSIVE_PROBING) === 0 && ticksLeft(passive, nowMs) > 0 ? 'ejected' : 'half-open';
  }

  /** What active checks found. Threads: main only. */
  setActive(slot: number, healthy: boolean): void {
    Atomics.store(this.#words, slotWord(slot) + ACTIVE, healthy ? 0 : ACTIVE_DOWN);
  }

  /** Forgets what a dead thread had under way. Threads: main only, after the thread ended and before its successor. */
  clearThread(threadIndex: number): void {
    const stripe = stripeWord(threadIndex);
    for (let word = stripe; word < stripe + STRIPE_WORDS; word += 1) Atomics.store(this.#words, word, 0);
  }

  /** Makes a slot as new, for another target. Threads: main only, once nothing is under way on it. */
  clearSlot(slot: number): void {
    const word = slotWord(slot);
    for (const offset of [PASSIVE, ACTIVE, EJECTIONS, LAST_END, EJECTIONS_EVER])
      Atomics.store(this.#words, word + offset, 0);
  }

  #glance(slot: number, what: number): number {
    const words = this.#words;
    const threads = words[THREADS_WORD] as number;
    let at = stripeWord(0) + slot * STRIPE_SLOT_WORDS + what;
    let sum = 0;
    for (let thread = 0; thread < threads; thread += 1) {
      sum += words[at] as number;
      at += STRIPE_WORDS;
    }
    return sum;
  }

  #within(slot: number, what: number, bound: number): boolean {
    const words = this.#words;
    const threads = Atomics.load(words, THREADS_WORD);
    if (this.#glance(slot, what) <= bound / 2 - threads * UNSEEN_MAX) return true;
    let at = stripeWord(0) + slot * STRIPE_SLOT_WORDS + what;
    let sum = 0;
    for (let thread = 0; thread < threads; thread += 1) {
      sum += Atomics.load(words, at);
      at += STRIPE_WORDS;
    }
    return sum <= bound;
  }

  /** A lone target is never ejected: that would only turn its errors into 503. */
  #mayEject(slot: number, policy: EjectionPolicy, nowMs: number, upstreamSlots: ArrayLike<number>): boolean {
    const targets = upstreamSlots.length;
    if (targets < 2) return false;
    let allowed = Math.floor((targets * policy.ejectPercentMax) / 100);
    for (let index = 0; index < targets && allowed > 0; index += 1) {
      const other = upstreamSlots[index] as number;
      if (other === slot) continue;
      const passive = Atomics.load(this.#words, slotWord(other) + PASSIVE);
      if (passive < 0 && ticksLeft(passive, nowMs) > 0) allowed -= 1;
    }
    return allowed > 0;
  }

  /** This thread ejected the target; see whether others did the same elsewhere meanwhile, then keep the books. */
  #confirm(
    slot: number,
    passive: number,
    policy: EjectionPolicy,
    nowMs: number,
    upstreamSlots: ArrayLike<number>,
  ): boolean {
    const word = slotWord(slot);
    if (!this.#mayEject(slot, policy, nowMs, upstreamSlots)) {
      Atomics.compareExchange(this.#words, word + PASSIVE, passive, policy.failuresMax);
      return false;
    }
    // Books of the winner alone. The next winner comes at least one ejection later; were this one asleep that long, the
    // next ejection would be one step too short, no more.
    Atomics.store(this.#words, word + EJECTIONS, this.#inRow(slot, policy, nowMs) + 1);
    Atomics.store(this.#words, word + LAST_END, passive & TICKS_MASK);
    Atomics.add(this.#words, word + EJECTIONS_EVER, 1);
    return true;
  }

  #ejectionMs(slot: number, policy: EjectionPolicy, nowMs: number): number {
    return Math.min(policy.ejectMs * (this.#inRow(slot, policy, nowMs) + 1), policy.ejectMsMax);
  }

  /** Ejections in a row so far; one is forgotten for each `ejectMs` since the last one ended. */
  #inRow(slot: number, policy: EjectionPolicy, nowMs: number): number {
    const word = slotWord(slot);
    const row = Atomics.load(this.#words, word + EJECTIONS);
    if (row === 0) return 0;
    const quietTicks = Math.max(0, ticksBetween(Atomics.load(this.#words, word + LAST_END), tickOf(nowMs)));
    const longest = Math.ceil(policy.ejectMsMax / policy.ejectMs);
    return Math.max(0, Math.min(row, longest) - Math.floor((quietTicks * TICK_MS) / policy.ejectMs));
  }
}

/** Bit operators take a number modulo 2^32, so any clock becomes ticks modulo 2^30. */
function tickOf(nowMs: number): number {
  return Math.floor(nowMs / TICK_MS) & TICKS_MASK;
}

/** Rounded up: never shorter than asked, at most a tick longer. */
function tickAfter(nowMs: number, waitMs: number): number {
  return Math.ceil((nowMs + waitMs) / TICK_MS) & TICKS_MASK;
}

/** From `from` to `to`, -2^29 <= ticks < 2^29: the two spare bits are shifted out so that the sign is right. */
function ticksBetween(from: number, to: number): number {
  return ((to - from) << 2) >> 2;
}

function ticksLeft(passive: number, nowMs: number): number {
  const left = ticksBetween(tickOf(nowMs), passive & TICKS_MASK);
  return left > 0 && left <= TICKS_AHEAD_MAX ? left : 0;
}
