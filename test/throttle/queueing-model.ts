import { ConcurrencyGate } from '../../src/throttle/concurrency.ts';
import { ConcurrencyKeeper, type ConcurrencySettings } from '../../src/throttle/concurrency-keeper.ts';

/**
 * A gateway before an upstream, in virtual time and from a seed: requests come at random (Poisson), the gate lets them
 * in or not, and the upstream serves `servers` at once, the rest first come first served.
 */
export interface ModelPlan {
  readonly settings: ConcurrencySettings;
  readonly servers: number;
  /** Mean time of service at a moment, milliseconds; single ones vary by half of it. */
  readonly serviceMs: (nowMs: number) => number;
  readonly arrivalsPerSecond: number;
  readonly forMs: number;
  readonly seed: number;
  /** A sample is written down so often. */
  readonly sampleMs: number;
}

/** One stretch of time. */
export interface ModelSample {
  readonly atMs: number;
  /** At its end. */
  readonly limit: number;
  readonly underWay: number;
  /** Within it. */
  readonly underWayMax: number;
  readonly served: number;
  readonly refused: number;
  /** Longest time between `enter` and the answer; 0 without one. */
  readonly longestMs: number;
  readonly medianMs: number;
}

const TICK_MS = 50;
const THREADS = 2;

interface Event {
  readonly atMs: number;
  readonly order: number;
  run(): void;
}

export function runModel(plan: ModelPlan): ModelSample[] {
  const { settings, servers, serviceMs, arrivalsPerSecond, forMs, sampleMs } = plan;
  const random = generator(plan.seed);
  const keeper = new ConcurrencyKeeper(THREADS, random);
  const row = settings.mode === 'off' ? -1 : (keeper.assign([{ name: 'm', settings }], 0).get('m') as number);
  const gates = Array.from(
    { length: THREADS },
    (_, thread) => new ConcurrencyGate(keeper.words, thread, Math.max(0, row), true),
  );
  const events = new Agenda();
  const queue: { startedMs: number; gate: ConcurrencyGate }[] = [];
  let [head, busy, underWay, nowMs] = [0, 0, 0, 0];
  let [served, refused, underWayMax]: [number[], number, number] = [[], 0, 0];
  const samples: ModelSample[] = [];

  const serve = (): void => {
    while (busy < servers && head < queue.length) {
      const { startedMs, gate } = queue[head] as (typeof queue)[0];
      head += 1;
      busy += 1;
      const takesMs = serviceMs(nowMs) * (0.5 + random());
      events.add(nowMs + takesMs, () => {
        busy -= 1;
        underWay -= 1;
        served.push(nowMs - startedMs);
        if (row !== -1) gate.leave(startedMs, nowMs, true);
        serve();
      });
    }
  };
  const arrive = (): void => {
    events.add(nowMs - (Math.log(1 - random()) * 1_000) / arrivalsPerSecond, arrive);
    const gate = gates[Math.floor(random() * THREADS)] as ConcurrencyGate;
    if (row !== -1 && !gate.enter()) {
      refused += 1;
      return;
    }
    underWay += 1;
    underWayMax = Math.max(underWayMax, underWay);
    queue.push({ startedMs: nowMs, gate });
    serve();
  };
  const every = (intervalMs: number, run: () => void): void => {
    events.add(nowMs + intervalMs, () => {
      run();
      every(intervalMs, run);
    });
  };
  every(TICK_MS, () => keeper.tick(nowMs));
  every(sampleMs, () => {
    served.sort((one, other) => one - other);
    samples.push({
      atMs: nowMs,
      limit: row === -1 ? Number.POSITIVE_INFINITY : keeper.limit(row),
      underWay,
      underWayMax,
      served: served.length,
      refused,
      longestMs: served.at(-1) ?? 0,
      medianMs: served[served.length >> 1] ?? 0,
    });
    [served, refused, underWayMax] = [[], 0, underWay];
  });
  events.add(0, arrive);
  for (let event = events.next(); event !== null && event.atMs <= forMs; event = events.next()) {
    nowMs = event.atMs;
    event.run();
  }
  return samples;
}

/** The scene of the tests and of the plot: an upstream turns ten times slower for a while. */
export const SLOW_FROM_MS = 20_000;
export const SLOW_TO_MS = 50_000;
export const SERVERS = 20;
export const SCENE: ModelPlan = {
  settings: { mode: 'adaptive', min: 4, max: 1_000, windowMs: 200, minRttEveryMs: 30_000, bufferPercent: 25 },
  servers: SERVERS,
  serviceMs: (nowMs) => (nowMs >= SLOW_FROM_MS && nowMs < SLOW_TO_MS ? 100 : 10),
  arrivalsPerSecond: 1_500,
  forMs: 80_000,
  seed: 1,
  sampleMs: 250,
};

/** Events in order of time, a binary heap. */
class Agenda {
  readonly #events: Event[] = [];
  #order = 0;

  add(atMs: number, run: () => void): void {
    const event = { atMs, order: this.#order, run };
    this.#order += 1;
    const events = this.#events;
    let place = events.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isBefore(events[parent] as Event, event)) break;
      events[place] = events[parent] as Event;
      place = parent;
    }
    events[place] = event;
  }

  next(): Event | null {
    const events = this.#events;
    const first = events[0] ?? null;
    const last = events.pop();
    if (first === null || last === undefined || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1] as Event, events[child] as Event)) child += 1;
      if (isBefore(last, events[child] as Event)) break;
      events[place] = events[child] as Event;
      place = child;
    }
    events[place] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** mulberry32: good enough for arrivals, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
