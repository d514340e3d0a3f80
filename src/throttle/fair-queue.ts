// hot path: synchronous, never throws
import type { Alarm, MakeAlarm } from './alarm.ts';
import { Flow, FlowHeap, FlowLengths, type Waiter } from './flows.ts';
import { PERMITS, rowWord } from './layout.ts';
import { Permits, type Rate } from './permits.ts';
import { type KeyHasher, Rounds, roundsBetween } from './rounds.ts';

/** Bounds of what waits in one thread. */
export interface QueueBounds {
  readonly queueMax: number;
  readonly queuePerKeyMax: number;
  /** Longest wait, milliseconds >= 1. */
  readonly deadlineMs: number;
}

/**
 * go: on with it, nobody calls back. wait: `admit` or `refuse` will be called, unless it leaves.
 * full: no room to wait. late: it would surely wait for longer than it may.
 */
export type Entry = 'go' | 'wait' | 'full' | 'late';

/** A permit due for so long is anybody's, so that none is wasted when a thread sleeps or is gone. */
const GRACE_MS = 5;
/** Most rounds that a thread may run ahead: rounds are told apart by 24 bits, whatever the rate. */
const TOLERANCE_MAX = 100_000;
/** Flows kept for reuse. */
const SPARE_FLOWS_MAX = 64;

/** What a queue needs of its thread and its row. */
export interface QueueParts {
  readonly words: Int32Array;
  readonly threadIndex: number;
  readonly row: number;
  readonly hasher: KeyHasher;
  readonly makeAlarm: MakeAlarm;
  /** Steady clock of all threads, milliseconds. */
  readonly clock: () => number;
}

/**
 * A leaky bucket with a queue: requests wait here for permits, which all threads of the process share, and every key
 * has an equal share of them.
 *
 * Permits come at an even rate from one word (`permits.ts`). Who has the next one is a matter of rounds (`rounds.ts`):
 * each thread has its keys in a heap by round, tells the others its lowest one, and takes a permit only when that is
 * the lowest of all, or the permit has been due for GRACE_MS.
 *
 * Threads: one instance per thread and row.
 */
export class FairQueue {
  readonly #permits: Permits;
  readonly #rounds: Rounds;
  readonly #tolerance: number;
  readonly #row: number;
  readonly #hasher: KeyHasher;
  readonly #clock: () => number;
  readonly #alarm: Alarm;
  readonly #flows = new Map<string, Flow>();
  readonly #heap = new FlowHeap();
  readonly #lengths = new FlowLengths();
  readonly #spare: Flow[] = [];
  #bounds: QueueBounds;
  #oldest: Waiter | null = null;
  #newest: Waiter | null = null;
  #length = 0;
  #isClosed = false;

  constructor({ words, threadIndex, row, hasher, makeAlarm, clock }: QueueParts, rate: Rate, bounds: QueueBounds) {
    this.#permits = new Permits(words, rowWord(row) + PERMITS, rate);
    this.#tolerance = Math.min(TOLERANCE_MAX, Math.floor(GRACE_MS / this.#permits.intervalMs));
    this.#rounds = new Rounds(words, threadIndex, row, this.#tolerance);
    this.#row = row;
    this.#hasher = hasher;
    this.#clock = clock;
    this.#alarm = makeAlarm(() => this.wake(this.#clock()));
    this.#bounds = bounds;
    this.#rounds.publish(-1, 0);
  }

  /** Requests that wait in this thread. */
  get length(): number {
    return this.#length;
  }

  /** Keys that wait in this thread. */
  get keys(): number {
    return this.#heap.size;
  }

  /**
   * Asks for a permit.
   *
   * @param key     Between whom the rate is shared; any text.
   * @param waiter  Called back if the answer is `wait`; not touched otherwise. It waits nowhere yet.
   */
  enter(key: string, waiter: Waiter, steadyMs: number): Entry {
    if (this.#isClosed) return 'full';
    const flow = this.#flows.get(key);
    if (flow !== undefined) return this.#join(flow, waiter, steadyMs);
    const { top } = this.#heap;
    const hasher = this.#hasher;
    hasher.hash(key, this.#row);
    const from = this.#rounds.floor(top === null ? -1 : top.round);
    const round = this.#rounds.peek(hasher, from);
    if (top === null || roundsBetween(round, top.round) > 0) {
      const others = this.#rounds.lowestElsewhere();
      if (this.#mayTake(round, others, steadyMs) && this.#permits.take(steadyMs, top !== null || others !== -1)) {
        this.#rounds.served(this.#rounds.take(hasher, from));
        return 'go';
      }
    }
    const refusal = this.#refusal(0, this.#heap.ahead(round, true), steadyMs);
    if (refusal !== null) return refusal;
    const added = this.#spare.pop() ?? new Flow();
    added.key = key;
    added.high = hasher.high;
    added.low = hasher.low;
    this.#flows.set(key, added);
    this.#heap.add(added, this.#rounds.take(added, from));
    this.#append(added, waiter, steadyMs);
    return 'wait';
  }

  /** A waiter that went away. Nothing happens to one that does not wait here any more. */
  leave(waiter: Waiter): void {
    if (waiter.flow === null) return;
    this.#remove(waiter);
    this.#publish();
    if (this.#length === 0) this.#alarm.clear();
  }

  /** Admits who is next while permits are due, refuses who is late. Called by the alarm. */
  wake(steadyMs: number): void {
    if (this.#isClosed) return;
    // Whatever a callback does, those behind it are woken.
    try {
      this.#expire(steadyMs);
      this.#admit(steadyMs);
    } finally {
      this.#arm(steadyMs);
    }
  }

  /**
   * @returns  Milliseconds (>= 1) after which one more may find its turn: for Retry-After. The time in which as many
   *           permits come as requests wait here.
   */
  retryAfterMs(steadyMs: number): number {
    return Math.max(1, Math.ceil(this.#permits.dueInMs(steadyMs) + this.#length * this.#permits.intervalMs));
  }

  /** Other bounds from now on, also for who waits already: nobody waits longer than from now to the new deadline. */
  rebound(bounds: QueueBounds, steadyMs: number): void {
    this.#bounds = bounds;
    for (let waiter = this.#oldest; waiter !== null; waiter = waiter.newer) {
      waiter.deadlineMs = Math.min(waiter.deadlineMs, steadyMs + bounds.deadlineMs);
    }
    this.#arm(steadyMs);
  }

  /** Refuses all that wait, as `full`, and everybody from now on. */
  close(steadyMs: number): void {
    this.#isClosed = true;
    this.#alarm.clear();
    for (let waiter = this.#oldest; waiter !== null; waiter = this.#oldest) {
      this.#remove(waiter);
      this.#publish();
      waiter.refuse('full', steadyMs);
    }
  }

  #admit(steadyMs: number): void {
    for (let { top } = this.#heap; top !== null; { top } = this.#heap) {
      if (!this.#mayTake(top.round, this.#rounds.lowestElsewhere(), steadyMs)) return;
      if (!this.#permits.take(steadyMs, true)) return;
      const waiter = top.first as Waiter;
      this.#rounds.served(top.round);
      this.#unlink(waiter);
      if (top.length === 0) this.#drop(top);
      else this.#heap.move(top, this.#rounds.take(top, this.#rounds.after(top.round)));
      this.#publish();
      waiter.admit(steadyMs);
    }
  }

  #join(flow: Flow, waiter: Waiter, steadyMs: number): Entry {
    const refusal = this.#refusal(flow.length, flow.length + this.#heap.ahead(flow.round, false), steadyMs);
    if (refusal !== null) return refusal;
    this.#append(flow, waiter, steadyMs);
    return 'wait';
  }

  /** @param own  Requests of the key that wait here. @param ahead  Requests that are surely served before. */
  #refusal(own: number, ahead: number, steadyMs: number): 'full' | 'late' | null {
    const { queueMax, queuePerKeyMax, deadlineMs } = this.#bounds;
    if (own >= queuePerKeyMax || queueMax === 0) return 'full';
    if (ahead >= this.#permits.within(deadlineMs, steadyMs)) return 'late';
    if (this.#length < queueMax) return null;
    const { longest } = this.#lengths;
    return longest === null || longest.length < own + 2 ? 'full' : null;
  }

  /** Whoever has most waiting makes room, so that a few keys cannot fill the queue and shut out all others. */
  #makeRoom(steadyMs: number): void {
    const evicted = this.#lengths.longest?.last ?? null;
    if (evicted === null) return;
    this.#remove(evicted);
    this.#publish();
    evicted.refuse('full', steadyMs);
  }

  #mayTake(round: number, others: number, steadyMs: number): boolean {
    if (others === -1 || roundsBetween(others, round) <= this.#tolerance) return true;
    return this.#permits.dueInMs(steadyMs) <= -GRACE_MS;
  }

  #append(flow: Flow, waiter: Waiter, steadyMs: number): void {
    waiter.enteredMs = steadyMs;
    // Clocks of callers may differ by a little; deadlines stay in order of arrival.
    waiter.deadlineMs = Math.max(steadyMs + this.#bounds.deadlineMs, this.#newest?.deadlineMs ?? 0);
    waiter.older = this.#newest;
    if (this.#newest === null) this.#oldest = waiter;
    else this.#newest.newer = waiter;
    this.#newest = waiter;
    flow.append(waiter);
    this.#lengths.changed(flow, flow.length - 1);
    this.#length += 1;
    this.#publish();
    if (this.#length === 1) this.#arm(steadyMs);
    if (this.#length > this.#bounds.queueMax) this.#makeRoom(steadyMs);
  }

  #expire(steadyMs: number): void {
    for (let waiter = this.#oldest; waiter !== null && waiter.deadlineMs <= steadyMs; waiter = this.#oldest) {
      this.#remove(waiter);
      this.#publish();
      waiter.refuse('late', steadyMs);
    }
  }

  /** Takes a waiter out that gets no permit. The next of its key, if there is one, has its round. */
  #remove(waiter: Waiter): void {
    const flow = waiter.flow as Flow;
    this.#unlink(waiter);
    if (flow.length > 0) return;
    this.#rounds.giveBack(flow);
    this.#drop(flow);
  }

  #unlink(waiter: Waiter): void {
    const flow = waiter.flow as Flow;
    const { older, newer } = waiter;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    waiter.older = null;
    waiter.newer = null;
    flow.remove(waiter);
    this.#lengths.changed(flow, flow.length + 1);
    this.#length -= 1;
  }

  #drop(flow: Flow): void {
    this.#heap.remove(flow);
    this.#flows.delete(flow.key);
    flow.key = '';
    if (this.#spare.length < SPARE_FLOWS_MAX) this.#spare.push(flow);
  }

  #publish(): void {
    const { top } = this.#heap;
    this.#rounds.publish(top === null ? -1 : top.round, this.#length);
  }

  /** One timer for all: to the next permit, or to the first deadline if that is sooner. */
  #arm(steadyMs: number): void {
    const oldest = this.#oldest;
    if (oldest === null) {
      this.#alarm.clear();
      return;
    }
    const dueInMs = this.#permits.dueInMs(steadyMs);
    // A permit is due but another thread's round is lower: that one takes it, or after GRACE_MS this one does.
    const retryMs = this.#permits.intervalMs < GRACE_MS ? 1 : GRACE_MS + dueInMs;
    const permitMs = dueInMs > 0 ? dueInMs : retryMs;
    this.#alarm.set(Math.max(1, Math.ceil(Math.min(permitMs, oldest.deadlineMs - steadyMs))));
  }
}
