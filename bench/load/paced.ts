import type { PacedJob, PacedResult } from '../load-wire.ts';
import { requestsOf } from '../requests.ts';
import { encodeHistogram, newHistogram } from './latencies.ts';
import { RawConnection, wireOf } from './raw-connection.ts';

/** For answers to what was sent last. */
const LAST_ANSWERS_MS = 5_000;
/** Lost connections after which there is nothing to measure. */
const LOST_MAX = 1_000;

/**
 * Requests at the times of a timetable, on raw sockets. A request that is due while all connections are waiting is sent
 * when one is free, and its latency is counted from when it was due: what waits behind a slow answer is not left out
 * (no coordinated omission). The loop turns without sleeping, since timers are good to a millisecond only.
 *
 * Without a rate, each connection sends its next request as soon as it has an answer.
 */
export async function runPaced(job: PacedJob): Promise<PacedResult> {
  const wires = requestsOf(job).map((request) => wireOf(request, job.port));
  const run = new PacedRun(job, wires);
  return run.result;
}

class PacedRun {
  readonly result: Promise<PacedResult>;
  readonly #job: PacedJob;
  readonly #wires: readonly Buffer[];
  readonly #histogram = newHistogram();
  readonly #all: Seat[] = [];
  readonly #free: Seat[] = [];
  readonly #startMs = performance.now();
  readonly #endMs: number;
  #finish: (result: PacedResult) => void = () => {};
  /** Requests that are due, and those of them that were sent. */
  #due = 0;
  #sent = 0;
  #answered = 0;
  #errors = 0;
  #lost = 0;
  #isOver = false;
  #lastMs = this.#startMs;

  constructor(job: PacedJob, wires: readonly Buffer[]) {
    this.#job = job;
    this.#wires = wires;
    this.#endMs = this.#startMs + job.seconds * 1_000;
    this.result = new Promise((resolve) => {
      this.#finish = resolve;
    });
    for (let place = 0; place < job.connections; place += 1) this.#free.push(this.#seat());
    this.#turn();
  }

  #seat(): Seat {
    const seat: Seat = {
      dueMs: 0,
      isWaiting: false,
      connection: new RawConnection(
        this.#job.port,
        (status) => this.#answer(seat, status),
        () => this.#lose(seat),
      ),
    };
    this.#all.push(seat);
    return seat;
  }

  readonly #turn = (): void => {
    if (this.#isOver) return;
    const nowMs = performance.now();
    const rate = this.#job.requestsPerSecond;
    if (nowMs < this.#endMs) {
      this.#due = rate === null ? this.#sent + this.#free.length : this.#dueAt(nowMs, rate);
    } else if (rate === null) this.#due = this.#sent;
    else this.#due = this.#dueAt(this.#endMs, rate);
    while (this.#sent < this.#due && this.#free.length > 0) this.#send(nowMs, rate);
    const isDone = nowMs >= this.#endMs && this.#sent === this.#due && this.#free.length === this.#job.connections;
    if (isDone || nowMs > this.#endMs + LAST_ANSWERS_MS) this.#end();
    else setImmediate(this.#turn);
  };

  #dueAt(nowMs: number, rate: number): number {
    return Math.floor(((nowMs - this.#startMs) * rate) / 1_000);
  }

  #send(nowMs: number, rate: number | null): void {
    const seat = this.#free.pop();
    if (seat === undefined) return;
    seat.dueMs = rate === null ? nowMs : this.#startMs + (this.#sent * 1_000) / rate;
    seat.isWaiting = true;
    seat.connection.send(this.#wires[this.#sent % this.#wires.length] as Buffer);
    this.#sent += 1;
  }

  #answer(seat: Seat, status: number): void {
    const nowMs = performance.now();
    this.#lastMs = nowMs;
    seat.isWaiting = false;
    this.#free.push(seat);
    this.#answered += 1;
    if (status !== 200) this.#errors += 1;
    this.#histogram.recordValue(Math.max(1, Math.round((nowMs - seat.dueMs) * 1_000)));
  }

  #lose(seat: Seat): void {
    if (this.#isOver) return;
    if (seat.isWaiting) this.#errors += 1;
    else this.#free.splice(this.#free.indexOf(seat), 1);
    this.#lost += 1;
    if (this.#lost > LOST_MAX) this.#end();
    else this.#free.push(this.#seat());
  }

  #end(): void {
    this.#isOver = true;
    const waiting = this.#job.connections - this.#free.length;
    const unsent = this.#due - this.#sent;
    for (const { connection } of this.#all) if (connection.isOpen) connection.destroy();
    this.#finish({
      answered: this.#answered,
      errors: this.#errors + waiting + unsent,
      seconds: (this.#lastMs - this.#startMs) / 1_000,
      histogram: encodeHistogram(this.#histogram),
    });
  }
}

interface Seat {
  /** When its request should have been sent. */
  dueMs: number;
  isWaiting: boolean;
  readonly connection: RawConnection;
}
