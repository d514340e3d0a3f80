import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import type { TrafficParts } from '../pipeline/context.ts';
import { ConcurrencyGate } from '../throttle/concurrency.ts';
import { Shedder } from '../throttle/shedder.ts';
import { Throttles, throttlePlan } from '../throttle/throttles.ts';
import type { TrafficRows, TrafficWords } from './ingress-wire.ts';

/**
 * Queues, bounds and the shedder of one ingress thread, over all generations.
 *
 * Threads: one instance each.
 */
export class ThreadTraffic {
  readonly shedder: Shedder;
  readonly #words: TrafficWords;
  readonly #threadIndex: number;
  readonly #throttles: Throttles;

  constructor(words: TrafficWords, threadIndex: number, { shedding }: Config) {
    this.#words = words;
    this.#threadIndex = threadIndex;
    this.#throttles = new Throttles(words.throttles, threadIndex, (seed0, seed1) => new KeyHash(seed0, seed1));
    this.shedder = new Shedder(shedding, words.memory);
  }

  /** What the phases of a configuration use. Queues that it still has take its bounds over at once. */
  parts({ shedding }: Config, rows: TrafficRows): TrafficParts {
    this.shedder.change(shedding);
    return {
      shedder: this.shedder,
      queue: (name, config, routeName) => {
        const plan = throttlePlan(name, config, routeName);
        return this.#throttles.queue(plan, rowOf(rows.throttles, plan.identity));
      },
      gate: (name, { mode, max }) =>
        new ConcurrencyGate(
          this.#words.concurrency,
          this.#threadIndex,
          rowOf(rows.concurrency, name),
          mode === 'adaptive',
          max,
        ),
    };
  }

  /** Refuses all that wait, and whoever would wait from now on. */
  close(): void {
    this.#throttles.close();
  }
}

function rowOf(rows: ReadonlyMap<string, number>, name: string): number {
  const row = rows.get(name);
  if (row === undefined)
    throw new SallyportError('SP_CONFIG', `no row for ${name}: the rows are of another configuration`);
  return row;
}
