import { steadyNow } from '../base/steady-clock.ts';
import type { Config } from '../config/schema.ts';
import type { TrafficRows, TrafficWords } from '../http/ingress-wire.ts';
import type { ConcurrencyGauge, ThrottleGauge } from '../telemetry/render.ts';
import { ConcurrencyKeeper, type ConcurrencyPlan } from '../throttle/concurrency-keeper.ts';
import { createMemoryWord, writeMemory } from '../throttle/shedder.ts';
import { ThrottleKeeper } from '../throttle/throttle-keeper.ts';
import { type ThrottlePlan, throttlePlan } from '../throttle/throttles.ts';
import { MemoryGauge } from './memory-gauge.ts';

/** Adaptive limits are looked at so often: the shortest window. */
const LIMIT_MS = 50;
const MEMORY_MS = 250;
const REST_MS = 1_000;

/**
 * Tables of throttles and concurrency on the main thread: made here, rows given out here, limits set here.
 *
 * Threads: main only.
 */
export class TrafficKeeper {
  readonly words: TrafficWords;
  readonly #throttles = new ThrottleKeeper();
  readonly #concurrency: ConcurrencyKeeper;
  readonly #memory = new MemoryGauge();
  readonly #timers: NodeJS.Timeout[] = [];
  #rows: TrafficRows = { throttles: new Map(), concurrency: new Map() };
  #config: Config | null = null;

  /** @param threads  Ingress threads. */
  constructor(threads: number) {
    this.#concurrency = new ConcurrencyKeeper(threads);
    this.words = {
      throttles: this.#throttles.words,
      concurrency: this.#concurrency.words,
      memory: createMemoryWord(),
    };
  }

  /**
   * Rows of a configuration, before any thread hears of it; its fixed limits hold at once. After a reload that was
   * refused, call it with the former configuration again.
   *
   * @throws  SallyportError SP_CONFIG when the tables have no room.
   */
  assign(config: Config): TrafficRows {
    const steadyMs = steadyNow();
    const throttles = this.#throttles.assign(
      namedPlans(config).map(([, plan]) => plan),
      steadyMs,
    );
    const concurrency = this.#concurrency.assign(concurrencyPlans(config), steadyMs);
    this.#rows = { throttles, concurrency };
    this.#config = config;
    return this.#rows;
  }

  start(): void {
    this.#timers.push(
      setInterval(() => this.#concurrency.tick(steadyNow()), LIMIT_MS),
      setInterval(() => this.#readMemory(), MEMORY_MS),
      setInterval(() => this.#throttles.tick(steadyNow()), REST_MS),
    );
  }

  #readMemory(): void {
    if (this.#config === null || this.#config.shedding.memoryBytes === 0) return;
    writeMemory(this.words.memory, this.#memory.read());
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#memory.close();
  }

  /** What a dead thread had under way is gone with it. To be called before its successor starts. */
  clearThread(threadIndex: number): void {
    this.#throttles.clearThread(threadIndex);
    this.#concurrency.clearThread(threadIndex);
  }

  /** Requests that wait, by throttle: over all threads, and all routes with `perRoute`. */
  waiting(): ThrottleGauge[] {
    const config = this.#config;
    if (config === null) return [];
    const rows = new Map<string, Set<number>>(Object.keys(config.throttles).map((name) => [name, new Set()]));
    for (const [name, { identity }] of namedPlans(config)) {
      rows.get(name)?.add(this.#rows.throttles.get(identity) as number);
    }
    return [...rows].map(([policy, own]) => ({
      policy,
      waiting: [...own].reduce((sum, row) => sum + this.#throttles.waiting(row), 0),
    }));
  }

  concurrency(): ConcurrencyGauge[] {
    return [...this.#rows.concurrency].map(([policy, row]) => ({
      policy,
      limit: this.#concurrency.limit(row),
      underWay: this.#concurrency.underWay(row),
      minRttMs: this.#concurrency.minRttMs(row),
    }));
  }
}

/** Names of all policies of these kinds, `KIND:NAME`: what their counters are kept by. */
export function trafficPolicyNames(config: Config): string[] {
  const isShedding = config.shedding.loopDelayMs > 0 || config.shedding.memoryBytes > 0;
  return [
    ...Object.keys(config.throttles).map((name) => `throttle:${name}`),
    ...concurrencyPlans(config).map(({ name }) => `concurrency:${name}`),
    ...(isShedding ? ['shed:high', 'shed:normal', 'shed:low'] : []),
  ];
}

/** Name of the throttle and its plan, for each route that has one. */
function namedPlans({ throttles, routes }: Config): (readonly [string, ThrottlePlan])[] {
  return routes.flatMap(({ name: route, policies: { throttle: name } }) => {
    const throttle = throttles[name];
    return throttle === undefined ? [] : [[name, throttlePlan(name, throttle, route)] as const];
  });
}

function concurrencyPlans({ upstreams, routes }: Config): ConcurrencyPlan[] {
  return [
    ...routes.map(({ name, policies }) => ({ name: `route:${name}`, settings: policies.concurrency })),
    ...Object.entries(upstreams).map(([name, { concurrency }]) => ({
      name: `upstream:${name}`,
      settings: concurrency,
    })),
  ].filter(({ settings }) => settings.mode !== 'off');
}
