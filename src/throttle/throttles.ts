import { steadyNow } from '../base/steady-clock.ts';
import { type MakeAlarm, timerAlarm } from './alarm.ts';
import { FairQueue, type QueueBounds } from './fair-queue.ts';
import { joinThrottles, SEED_0, SEED_1 } from './layout.ts';
import type { Rate } from './permits.ts';
import type { KeyHasher } from './rounds.ts';

/** What `throttles` says of one. */
export interface ThrottleSettings extends Rate, QueueBounds {
  readonly key: readonly string[];
  readonly perRoute: boolean;
}

/** A throttle as it holds on a route. */
export interface ThrottlePlan {
  /** What makes it one throttle: name, rate, key, and the route with `perRoute`. Another rate is another throttle. */
  readonly identity: string;
  readonly config: ThrottleSettings;
}

/** @param name  Its name in `throttles`. @param routeName  The route it holds on. */
export function throttlePlan(name: string, config: ThrottleSettings, routeName: string): ThrottlePlan {
  const { requests, perMs, burst, key, perRoute } = config;
  return { identity: JSON.stringify([name, requests, perMs, burst, key, perRoute ? routeName : null]), config };
}

interface OpenQueue {
  readonly identity: string;
  readonly queue: FairQueue;
}

/**
 * The queues of one thread, by row. A queue lives on over reloads as long as its throttle has the same rate; one whose
 * throttle is gone ends when its row is given to another.
 *
 * Threads: one instance each.
 */
export class Throttles {
  readonly #words: Int32Array;
  readonly #threadIndex: number;
  readonly #hasher: KeyHasher;
  readonly #makeAlarm: MakeAlarm;
  readonly #clock: () => number;
  readonly #queues = new Map<number, OpenQueue>();

  /**
   * @param words        The keeper's table.
   * @param threadIndex  0 <= threadIndex < THREADS_MAX; the thread of that number before must have ended.
   * @param makeHasher   A keyed hash with this secret seed of 64 bits.
   * @param clock        Steady clock of all threads, milliseconds.
   */
  constructor(
    words: Int32Array,
    threadIndex: number,
    makeHasher: (seed0: number, seed1: number) => KeyHasher,
    makeAlarm: MakeAlarm = timerAlarm,
    clock: () => number = steadyNow,
  ) {
    joinThrottles(words, threadIndex);
    this.#words = words;
    this.#threadIndex = threadIndex;
    this.#hasher = makeHasher(words[SEED_0] as number, words[SEED_1] as number);
    this.#makeAlarm = makeAlarm;
    this.#clock = clock;
  }

  /** The queue of a throttle, with the bounds of this configuration. @param row  What the keeper gave the plan. */
  queue({ identity, config }: ThrottlePlan, row: number): FairQueue {
    const open = this.#queues.get(row);
    if (open?.identity === identity) {
      open.queue.rebound(config, this.#clock());
      return open.queue;
    }
    open?.queue.close(this.#clock());
    const queue = new FairQueue(
      {
        words: this.#words,
        threadIndex: this.#threadIndex,
        row,
        hasher: this.#hasher,
        makeAlarm: this.#makeAlarm,
        clock: this.#clock,
      },
      config,
      config,
    );
    this.#queues.set(row, { identity, queue });
    return queue;
  }

  /** Refuses all that wait: the thread ends. */
  close(): void {
    for (const { queue } of this.#queues.values()) queue.close(this.#clock());
    this.#queues.clear();
  }
}
