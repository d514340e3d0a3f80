// hot path: synchronous, never throws
import { roundsBetween } from './rounds.ts';

/** Somebody who waits for a permit. Its links are the queue's: it waits in one queue at a time. */
export abstract class Waiter {
  /** Neighbours in order of arrival, over all keys. */
  older: Waiter | null = null;
  newer: Waiter | null = null;
  /** Neighbours of the same key. */
  before: Waiter | null = null;
  behind: Waiter | null = null;
  /** null while it does not wait. */
  flow: Flow | null = null;
  /** Steady clock: when it began to wait, and until when it may. */
  enteredMs = 0;
  deadlineMs = 0;

  /** Its turn. It waits no more, and waited `steadyMs - enteredMs`. */
  abstract admit(steadyMs: number): void;
  /** It waits no more. @param reason  late: its deadline passed; full: it made room for a key with fewer that wait. */
  abstract refuse(reason: 'late' | 'full', steadyMs: number): void;
}

/** What waits of one key in one thread, first come first served. */
export class Flow {
  key = '';
  high = 0;
  low = 0;
  /** Round of its first request; flows of one round in the order in which they took it. */
  round = 0;
  order = 0;
  length = 0;
  first: Waiter | null = null;
  last: Waiter | null = null;
  /** Place in the heap; -1 while nothing waits. */
  place = -1;
  /** Neighbours with as many that wait. */
  previous: Flow | null = null;
  next: Flow | null = null;

  append(waiter: Waiter): void {
    waiter.flow = this;
    waiter.before = this.last;
    if (this.last === null) this.first = waiter;
    else this.last.behind = waiter;
    this.last = waiter;
    this.length += 1;
  }

  remove(waiter: Waiter): void {
    const { before, behind } = waiter;
    if (before === null) this.first = behind;
    else before.behind = behind;
    if (behind === null) this.last = before;
    else behind.before = before;
    waiter.before = null;
    waiter.behind = null;
    waiter.flow = null;
    this.length -= 1;
  }
}

/** Rounds counted one by one; flows of one thread lie closer together than this. */
const COUNTED_ROUNDS = 1_024;

/** Flows by round, the lowest first: a binary heap in which each flow knows its place. Threads: one. */
export class FlowHeap {
  readonly #flows: Flow[] = [];
  readonly #perRound = new Int32Array(COUNTED_ROUNDS);
  #order = 0;

  get top(): Flow | null {
    return this.#flows[0] ?? null;
  }

  get size(): number {
    return this.#flows.length;
  }

  /** @param round  Round of its first request. */
  add(flow: Flow, round: number): void {
    this.#stamp(flow, round);
    this.#flows.push(flow);
    this.#up(flow, this.#flows.length - 1);
  }

  /** The flow goes on with a later round. */
  move(flow: Flow, round: number): void {
    this.#count(flow.round, -1);
    this.#stamp(flow, round);
    this.#down(flow, flow.place);
  }

  remove(flow: Flow): void {
    this.#count(flow.round, -1);
    const last = this.#flows.pop() as Flow;
    const { place } = flow;
    flow.place = -1;
    if (last === flow) return;
    this.#up(last, place);
    this.#down(last, last.place);
  }

  /** Flows of lower rounds, and of this one if `isLast`: what is surely served first. 0 where that is not known. */
  ahead(round: number, isLast: boolean): number {
    const { top } = this;
    if (top === null) return 0;
    const rounds = roundsBetween(top.round, round) + (isLast ? 1 : 0);
    if (rounds > COUNTED_ROUNDS) return 0;
    let flows = 0;
    for (let i = 0; i < rounds; i += 1) flows += this.#perRound[(top.round + i) & (COUNTED_ROUNDS - 1)] as number;
    return flows;
  }

  #stamp(flow: Flow, round: number): void {
    flow.round = round;
    flow.order = this.#order;
    this.#order += 1;
    this.#count(round, 1);
  }

  #count(round: number, change: number): void {
    const at = round & (COUNTED_ROUNDS - 1);
    this.#perRound[at] = (this.#perRound[at] as number) + change;
  }

  #up(flow: Flow, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#flows[parent] as Flow;
      if (isBefore(above, flow)) break;
      this.#flows[place] = above;
      above.place = place;
      place = parent;
    }
    this.#flows[place] = flow;
    flow.place = place;
  }

  #down(flow: Flow, from: number): void {
    const { length } = this.#flows;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && isBefore(this.#flows[right] as Flow, this.#flows[child] as Flow)) child = right;
      const below = this.#flows[child] as Flow;
      if (isBefore(flow, below)) break;
      this.#flows[place] = below;
      below.place = place;
      place = child;
    }
    this.#flows[place] = flow;
    flow.place = place;
  }
}

function isBefore(one: Flow, other: Flow): boolean {
  const rounds = roundsBetween(one.round, other.round);
  return rounds > 0 || (rounds === 0 && one.order < other.order);
}

/** Flows by how many wait in them, so that the longest one is at hand. Threads: one. */
export class FlowLengths {
  readonly #lists: (Flow | null)[] = [null];
  #longest = 0;

  /** A flow of most that wait; null for none. */
  get longest(): Flow | null {
    return this.#lists[this.#longest] ?? null;
  }

  /** After each change. @param before  Its length before, 0 for a new flow. */
  changed(flow: Flow, before: number): void {
    if (before > 0) this.#unlink(flow, before);
    const { length } = flow;
    if (length > 0) {
      while (this.#lists.length <= length) this.#lists.push(null);
      const next = this.#lists[length] ?? null;
      flow.next = next;
      if (next !== null) next.previous = flow;
      this.#lists[length] = flow;
      if (length > this.#longest) this.#longest = length;
    }
    while (this.#longest > 0 && this.#lists[this.#longest] === null) this.#longest -= 1;
  }

  #unlink(flow: Flow, length: number): void {
    const { previous, next } = flow;
    if (previous === null) this.#lists[length] = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    flow.previous = null;
    flow.next = null;
  }
}
