import { randomBytes } from 'node:crypto';
import { SallyportError } from '../errors.ts';
import { THROTTLE_ROWS_MAX } from '../limits.ts';
import {
  createThrottleWords,
  LOWEST,
  NEXT_STRIPE,
  PERMITS,
  rowWord,
  SEED_0,
  SEED_1,
  stripeWord,
  THREADS_WORD,
  WAITING,
} from './layout.ts';
import { Permits } from './permits.ts';
import { RestingRows } from './rows.ts';
import type { ThrottlePlan } from './throttles.ts';

/** Threads take a new configuration within seconds. */
const REST_MS = 60_000;

/**
 * The throttles' table on the main thread: made here, rows given out here.
 *
 * Threads: main only.
 */
export class ThrottleKeeper {
  readonly words: Int32Array<SharedArrayBuffer> = createThrottleWords();
  readonly #rows = new RestingRows(THROTTLE_ROWS_MAX, REST_MS, (row) => this.waiting(row) > 0);
  readonly #permits = new Map<number, Permits>();

  constructor() {
    const seed = randomBytes(8);
    this.words[SEED_0] = seed.readInt32LE(0);
    this.words[SEED_1] = seed.readInt32LE(4);
  }

  /**
   * Rows for the throttles of a configuration, before any thread hears of it. After a reload that was refused, call it
   * with the former plans again.
   *
   * @param plans  One per throttle in use, and per route with `perRoute`; the same identity may come several times.
   * @returns  Row by identity.
   * @throws  SallyportError SP_CONFIG when there are more than THROTTLE_ROWS_MAX.
   */
  assign(plans: Iterable<ThrottlePlan>, steadyMs: number): ReadonlyMap<string, number> {
    const byIdentity = new Map<string, ThrottlePlan>();
    for (const plan of plans) byIdentity.set(plan.identity, plan);
    const rows = this.#rows.assign(new Set(byIdentity.keys()), steadyMs, (identity, row) => {
      const { config } = byIdentity.get(identity) as ThrottlePlan;
      const permits = new Permits(this.words, rowWord(row) + PERMITS, config);
      permits.reset(steadyMs);
      this.#permits.set(row, permits);
    });
    if (rows !== null) return rows;
    throw new SallyportError(
      'SP_CONFIG',
      `throttles: ${byIdentity.size} are in use, counting one for each route with perRoute; there is room for ` +
        `${THROTTLE_ROWS_MAX}, those of the last minute included: let routes share throttles, or reload a minute later`,
    );
  }

  /** To be called every second or so. */
  tick(steadyMs: number): void {
    for (const permits of this.#permits.values()) permits.rest(steadyMs);
  }

  /** Requests that wait, all threads: for metrics. */
  waiting(row: number): number {
    const threads = Atomics.load(this.words, THREADS_WORD);
    let waiting = 0;
    for (let thread = 0; thread < threads; thread += 1) {
      waiting += Atomics.load(this.words, stripeWord(0, row) + thread * NEXT_STRIPE + WAITING);
    }
    return waiting;
  }

  /** Forgets what waited in a dead thread. To be called after it ended and before its successor starts. */
  clearThread(threadIndex: number): void {
    for (let row = 0; row < THROTTLE_ROWS_MAX; row += 1) {
      const at = stripeWord(threadIndex, row);
      Atomics.store(this.words, at + LOWEST, 0);
      Atomics.store(this.words, at + WAITING, 0);
    }
  }
}
