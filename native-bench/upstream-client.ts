import { TimerWheel } from '../src/base/timer-wheel.ts';
import type { Config, RouteConfig } from '../src/config/schema.ts';
import { type Downstream, type Route, type Source, Transaction, type TransactionOwner } from '../src/transaction.ts';
import { UpstreamCall } from '../src/upstream/call.ts';
import type { UpstreamEvents, UpstreamGroup } from '../src/upstream/group.ts';
import { TargetHealth } from '../src/upstream/health.ts';
import { createTargetTable, MAIN_THREAD } from '../src/upstream/layout.ts';
import { SlotRegistry } from '../src/upstream/targets.ts';
import { Upstreams } from '../src/upstream/upstreams.ts';
import type { Refusal } from '../src/verdict.ts';
import { upstreamOf } from '../test/upstream/support.ts';

const TICK_MS = 5;
const NOTHING: UpstreamEvents = {
  connectionOpened: () => undefined,
  connectionReused: () => undefined,
  connectFailed: () => undefined,
  retried: () => undefined,
  ejected: () => undefined,
  upstreamRequest: () => undefined,
};
const route = { config: { policies: { totalMs: 0 } } as unknown as RouteConfig } as Route;

/** The gateway's client with all it does for a request: balancing, circuit, health, deadlines. */
export class OwnClient {
  readonly #group: UpstreamGroup;
  readonly #upstreams: Upstreams;
  readonly #ticking: NodeJS.Timeout;

  constructor(url: string) {
    const table = createTargetTable();
    const upstreams = { main: upstreamOf([url]) } as Config['upstreams'];
    const wheel = new TimerWheel(performance.now(), TICK_MS, 256);
    const plan = {
      ...new SlotRegistry(new TargetHealth(table, MAIN_THREAD)).assign({ upstreams }, performance.now()),
      authorities: {},
    };
    this.#upstreams = new Upstreams({ wheel, health: new TargetHealth(table, 0), events: NOTHING, threads: 1 });
    this.#group = this.#upstreams.compile({ upstreams } as Config, plan, () => () => '')[0] as UpstreamGroup;
    this.#ticking = setInterval(() => wheel.advance(performance.now()), TICK_MS);
  }

  /** @param head  Of a GET, ASCII, final CRLF CRLF too. @param done  Gets the bytes of the body. */
  ask(head: string, done: (bytes: number) => void, failed: (error: Error) => void): void {
    const sink = new Sink(done, failed);
    const tx = new Transaction(sink, sink, Date.now(), performance.now());
    sink.tx = tx;
    tx.method = 'GET';
    tx.isAscii = true;
    tx.route = route;
    new UpstreamCall(tx, this.#group, head).start(tx.startedAtMs);
  }

  close(): void {
    this.#upstreams.close();
    clearInterval(this.#ticking);
  }
}

/** A client that counts what it gets. */
class Sink implements Downstream, TransactionOwner {
  readonly gone = false;
  begun = false;
  readonly blocked = false;
  readonly bodyComplete = true;
  tx: Transaction | null = null;
  readonly #done: (bytes: number) => void;
  readonly #failed: (error: Error) => void;
  #bytes = 0;

  constructor(done: (bytes: number) => void, failed: (error: Error) => void) {
    this.#done = done;
    this.#failed = failed;
  }

  respond(_status: number, _head: Uint8Array, body: Uint8Array | null): void {
    this.begun = true;
    this.#bytes = body?.length ?? 0;
    this.#finished();
  }

  begin(): void {
    this.begun = true;
  }

  write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    return true;
  }

  end(): void {
    this.#finished();
  }

  finish(tx: Transaction): void {
    if (tx.finished) return;
    tx.finished = true;
    // The connection goes back to its pool behind this call: a request from within would open another one.
    queueMicrotask(() => this.#done(this.#bytes));
  }

  #finished(): void {
    if (this.tx !== null) this.finish(this.tx);
  }

  resume(): boolean {
    return true;
  }

  refuse(tx: Transaction, { code }: Refusal): void {
    tx.finished = true;
    this.#failed(new Error(`${code}: ${tx.reason}`));
  }

  failed(_tx: Transaction, error: unknown): void {
    this.#failed(error instanceof Error ? error : new Error(String(error)));
  }

  respondEmpty(): void {
    this.#failed(new Error('an answer without a body'));
  }

  cut(): void {
    this.#failed(new Error('the answer was cut'));
  }

  attach(_source: Source): void {}
  detach(): void {}
  replay(): void {}
  abandon(): void {}
  pauseBody(): void {}
  resumeBody(): void {}
}
