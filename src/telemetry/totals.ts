import {
  BUCKET_BOUNDS_MS,
  BUCKETS,
  LOOP_PEAK,
  LOOP_PEAK_BEFORE,
  OTHER_RULES,
  POLICY_WORDS,
  ROUTE_WORDS,
  RULE_ACTIONS,
  RULE_ROW_WORDS,
  RULES_METERED,
  SHED_LEVEL,
  shapeOf,
  stripeOf,
  TARGET_WORDS,
  type TableShape,
  WAIT_BUCKETS,
  WAIT_SUM,
} from './layout.ts';

/** A histogram as Prometheus wants it. */
export interface HistogramTotals {
  /** Observations not above BUCKET_BOUNDS_MS[i], and at last all of them. */
  readonly cumulative: readonly number[];
  readonly sumMs: number;
}

/**
 * Sums over all threads of a metrics table, read while the threads write: see `layout.ts` for what that means.
 * Threads: any; the scrape is on main.
 */
export class MetricsTotals {
  readonly shape: TableShape;
  readonly #stripes: readonly Float64Array[];
  readonly #rulesTold = new Set<number>();

  constructor(table: SharedArrayBuffer) {
    this.shape = shapeOf(table);
    this.#stripes = Array.from({ length: this.shape.threads }, (_, index) => stripeOf(table, index));
  }

  /** A word of the thread area. */
  thread(word: number): number {
    return this.#sum(word);
  }

  /** Highest lateness of a timer in the last 15 to 30 s, for each thread, milliseconds. */
  loopDelays(): number[] {
    return this.#stripes.map((words) => Math.max(words[LOOP_PEAK] ?? 0, words[LOOP_PEAK_BEFORE] ?? 0));
  }

  /** @param index  Position in ERROR_CODES. */
  error(index: number): number {
    return this.#sum(this.shape.errorsAt + index);
  }

  /** @param row  0 for no route, route index + 1, or the last row for all others. */
  route(row: number, word: number): number {
    return this.#sum(this.shape.routesAt + row * ROUTE_WORDS + word);
  }

  histogram(row: number, sumWord: number, firstBucketWord: number): HistogramTotals {
    let count = 0;
    const cumulative = Array.from({ length: BUCKETS }, (_, bucket) => {
      count += this.route(row, firstBucketWord + bucket);
      return count;
    });
    return { cumulative, sumMs: this.route(row, sumWord) };
  }

  target(slot: number, word: number): number {
    return this.#sum(this.shape.targetsAt + slot * TARGET_WORDS + word);
  }

  /** @param row  Row of the policy, or the last one for all others. */
  policy(row: number, word: number): number {
    return this.#sum(this.shape.policiesAt + row * POLICY_WORDS + word);
  }

  /** A word of the callers area. */
  callers(word: number): number {
    return this.#sum(this.shape.callersAt + word);
  }

  /** Waits for a policy, however they ended. */
  waits(row: number): HistogramTotals {
    let count = 0;
    const cumulative = Array.from({ length: BUCKETS }, (_, bucket) => {
      count += this.policy(row, WAIT_BUCKETS + bucket);
      return count;
    });
    return { cumulative, sumMs: this.policy(row, WAIT_SUM) };
  }

  /** Highest level of overload of any thread, 0 to 1. */
  shedLevel(): number {
    return Math.max(0, ...this.#stripes.map((words) => words[SHED_LEVEL] ?? 0));
  }

  /**
   * How often rules of firewalls held, by id: a count for each of RULE_ACTIONS. All without counters of their own are
   * under 0. Threads may know different ids: RULES_METERED of them are told apart, those that were seen first.
   */
  rules(): ReadonlyMap<number, readonly number[]> {
    const { rulesAt } = this.shape;
    const held = new Map<number, number[]>();
    for (const words of this.#stripes) {
      for (let at = rulesAt; at < rulesAt + OTHER_RULES; at += RULE_ROW_WORDS) {
        const id = words[at] ?? 0;
        if (id !== 0) this.#countRule(held, this.#isTold(id) ? id : 0, words, at + 1);
      }
      this.#countRule(held, 0, words, rulesAt + OTHER_RULES);
    }
    return held;
  }

  /** Once told apart, always: a counter must not go back. */
  #isTold(id: number): boolean {
    if (this.#rulesTold.size < RULES_METERED) this.#rulesTold.add(id);
    return this.#rulesTold.has(id);
  }

  #countRule(held: Map<number, number[]>, id: number, words: Float64Array, from: number): void {
    const counts = held.get(id) ?? RULE_ACTIONS.map(() => 0);
    held.set(id, counts);
    for (let word = 0; word < counts.length; word += 1) counts[word] = (counts[word] ?? 0) + (words[from + word] ?? 0);
  }

  #sum(word: number): number {
    let sum = 0;
    for (const words of this.#stripes) sum += words[word] ?? 0;
    return sum;
  }
}

/** Bounds as `le` labels: seconds. */
export const BOUNDS_LE: readonly string[] = [...BUCKET_BOUNDS_MS.map((ms) => String(ms / 1_000)), '+Inf'];
