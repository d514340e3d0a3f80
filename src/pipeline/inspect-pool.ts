// hot path: synchronous, never throws
import type { MessagePort } from 'node:worker_threads';
import { TimerNode, type TimerWheel } from '../base/timer-wheel.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { InspectAnswer, InspectJob } from './inspect-wire.ts';

/** What became of a body that was handed over. */
export type PoolAnswer =
  | InspectAnswer
  /** The thread that had it is gone: nobody knows what the body is. */
  | { readonly kind: 'died' }
  /** Not in time, or the gateway stops. */
  | { readonly kind: 'late' };

/** A request whose body is to be inspected elsewhere. */
export interface PoolWork extends Omit<InspectJob, 'body'> {
  /** Stays as it is until the answer: a thread gets a copy. */
  readonly text: Buffer;
}

export interface PoolLimits {
  /** Bodies that wait for an inspect thread. */
  readonly waitingMax: number;
  /** Longest time to the answer, milliseconds. */
  readonly deadlineMs: number;
}

const DIED: PoolAnswer = Object.freeze({ kind: 'died' });
const LATE: PoolAnswer = Object.freeze({ kind: 'late' });

/**
 * The way of one ingress thread to the inspect threads: each of them has one body of it at a time, the others wait
 * here, where their clients may leave and their deadlines pass.
 *
 * Threads: one instance each, used on its own thread.
 */
export class InspectPool {
  readonly #wheel: TimerWheel;
  readonly #metrics: ThreadMetrics;
  readonly #idle = new Set<InspectSlot>();
  readonly #slots = new Set<InspectSlot>();
  /** In the order of their coming. */
  readonly #waiting = new Set<PoolAsking>();
  #underWay = 0;
  #isClosed = false;

  constructor(wheel: TimerWheel, metrics: ThreadMetrics) {
    this.#wheel = wheel;
    this.#metrics = metrics;
  }

  /** An inspect thread is ready. @param port  Its end closes with the thread. */
  join(port: MessagePort): void {
    if (this.#isClosed) {
      port.close();
      return;
    }
    const slot: InspectSlot = { port, asking: null };
    port.on('message', (answer: InspectAnswer) => this.#answered(slot, answer));
    port.once('close', () => this.#left(slot));
    // What cannot be read is no answer.
    port.once('messageerror', () => port.close());
    this.#slots.add(slot);
    this.#idle.add(slot);
    this.#next(slot);
  }

  /**
   * Hands a body over.
   *
   * @param done  Called once with what became of it, later; never after `cancel`.
   * @returns  Null where too many wait: nothing is called then.
   */
  ask(work: PoolWork, limits: PoolLimits, done: (answer: PoolAnswer) => void): PoolAsking | null {
    const [slot] = this.#idle;
    if (this.#isClosed || (slot === undefined && this.#waiting.size >= limits.waitingMax)) {
      this.#metrics.offloadRefused('full');
      return null;
    }
    const asking = new PoolAsking(this, work, done);
    this.#wheel.schedule(asking, limits.deadlineMs);
    this.#count(1);
    this.#metrics.offloaded();
    if (slot === undefined) this.#waiting.add(asking);
    else this.#send(slot, asking);
    return asking;
  }

  /** Of `PoolAsking`: nobody waits for its answer any more. */
  forget(asking: PoolAsking): void {
    this.#wheel.cancel(asking);
    this.#waiting.delete(asking);
    this.#count(-1);
  }

  /** Of `PoolAsking`: its time has passed. */
  expire(asking: PoolAsking): void {
    this.#metrics.offloadRefused('late');
    asking.settle(LATE);
  }

  /** Nothing more is inspected: who waits is told so. */
  close(): void {
    this.#isClosed = true;
    const askings = [...this.#waiting, ...[...this.#slots].map(({ asking }) => asking)];
    for (const slot of this.#slots) slot.port.close();
    for (const asking of askings) asking?.settle(LATE);
  }

  #send(slot: InspectSlot, asking: PoolAsking): void {
    const { text, ...job } = asking.work;
    const body = new ArrayBuffer(text.length);
    new Uint8Array(body).set(text);
    this.#idle.delete(slot);
    slot.asking = asking;
    slot.port.postMessage({ ...job, body } satisfies InspectJob, [body]);
  }

  #next(slot: InspectSlot): void {
    const [asking] = this.#waiting;
    if (asking === undefined) return;
    this.#waiting.delete(asking);
    this.#send(slot, asking);
  }

  #answered(slot: InspectSlot, answer: InspectAnswer): void {
    const { asking } = slot;
    slot.asking = null;
    this.#idle.add(slot);
    this.#next(slot);
    asking?.settle(answer);
  }

  #left(slot: InspectSlot): void {
    this.#slots.delete(slot);
    this.#idle.delete(slot);
    slot.asking?.settle(DIED);
  }

  #count(by: number): void {
    this.#underWay += by;
    this.#metrics.offloadsUnderWay(this.#underWay);
  }
}

/** An inspect thread as an ingress thread sees it. */
interface InspectSlot {
  readonly port: MessagePort;
  /** What it has; over already where nobody waits for it any more. */
  asking: PoolAsking | null;
}

/** One body handed over, until its answer. */
export class PoolAsking extends TimerNode {
  readonly work: PoolWork;
  readonly #pool: InspectPool;
  readonly #done: (answer: PoolAnswer) => void;
  #isOver = false;

  constructor(pool: InspectPool, work: PoolWork, done: (answer: PoolAnswer) => void) {
    super();
    this.work = work;
    this.#pool = pool;
    this.#done = done;
  }

  settle(answer: PoolAnswer): void {
    if (this.#isOver) return;
    this.cancel();
    this.#done(answer);
  }

  /** The client has left. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pool.forget(this);
  }

  fire(): void {
    this.#pool.expire(this);
  }
}
