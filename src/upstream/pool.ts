// hot path: synchronous, never throws
import type tls from 'node:tls';
import { TimerNode, type TimerWheel } from '../base/timer-wheel.ts';
import type { ErrorCode } from '../errors.ts';
import { type AnswerReader, UpstreamConnection } from './connection.ts';
import type { TargetHealth } from './health.ts';
import type { Target } from './targets.ts';

export interface PoolOptions {
  readonly target: Target;
  /** null for plain HTTP. */
  readonly tlsOptions: tls.ConnectionOptions | null;
  readonly idleConnectionsMax: number;
  readonly idleMs: number;
  /** This thread's share of circuit.connectionsMax, >= 1. */
  readonly connectionsMax: number;
  readonly pendingMax: number;
  readonly connectMs: number;
}

/** What the pool tells others of: shared counts and metrics. All calls are cheap and never throw. */
export interface PoolEvents {
  connectionOpened(slot: number): void;
  connectionReused(slot: number): void;
  connectFailed(slot: number): void;
}

/** A request that waits for a connection to be opened for it, or for its turn. */
export class Waiter extends TimerNode {
  readonly pool: ConnectionPool;
  /** null once it waits no more. */
  reader: AnswerReader | null;
  connection: UpstreamConnection | null = null;
  /** True while no connection may be opened for it. */
  queued = false;
  /** Monotonic clock, milliseconds. */
  deadlineAt = 0;

  constructor(pool: ConnectionPool, reader: AnswerReader) {
    super();
    this.pool = pool;
    this.reader = reader;
  }

  fire(): void {
    this.pool.waitedTooLong(this);
  }
}

/**
 * The connections of one thread to one target. Idle ones are a stack: the one used last is the least likely to have
 * been closed by the other side meanwhile, and spare ones reach their idle deadline.
 *
 * Threads: one.
 */
export class ConnectionPool {
  readonly target: Target;
  readonly tlsOptions: tls.ConnectionOptions | null;
  /** Last TLS session ticket of the target: a resumed handshake costs a fraction of a full one. */
  tlsSession: Buffer | null = null;
  #options: PoolOptions;
  readonly #wheel: TimerWheel;
  readonly #health: TargetHealth;
  readonly #events: PoolEvents;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #queue: Waiter[] = [];
  #retired = false;
  #closed = false;

  constructor(options: PoolOptions, wheel: TimerWheel, health: TargetHealth, events: PoolEvents) {
    this.target = options.target;
    this.tlsOptions = options.tlsOptions;
    this.#options = options;
    this.#wheel = wheel;
    this.#health = health;
    this.#events = events;
  }

  get connections(): number {
    return this.#all.size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** A reload keeps the pool of an unchanged target; only its bounds may differ. */
  reconfigure(options: PoolOptions): void {
    this.#options = options;
    this.#retired = false;
    this.#serveQueue();
  }

  /** An idle connection, or null. The one used last comes first. */
  takeIdle(): UpstreamConnection | null {
    const idle = this.#idle.pop();
    if (idle === undefined) return null;
    idle.idleIndex = -1;
    this.#wheel.cancel(idle);
    this.#events.connectionReused(this.target.slot);
    return idle;
  }

  /**
   * Opens a connection for `reader`, or puts it in the queue when there are as many as there may be. Later
   * `reader.onReady` is called, or `reader.onFailure` when no connection comes in time.
   *
   * @returns  The place to give to `abandon` when the request goes away; null when the queue is full.
   */
  wait(reader: AnswerReader): Waiter | null {
    const opens = this.#all.size < this.#options.connectionsMax;
    // A retry asks for a fresh connection: where all there may be are idle, the one idle for longest makes room.
    const spare = opens ? undefined : this.#idle[0];
    if (!opens && spare === undefined && this.#queue.length >= this.#options.pendingMax) return null;
    const waiter = new Waiter(this, reader);
    if (opens) this.#connect(waiter);
    else {
      waiter.queued = true;
      this.#arm(waiter);
      this.#queue.push(waiter);
      spare?.destroy();
    }
    return waiter;
  }

  /** The request went away before it had a connection. A connection under way is kept for the next one. */
  abandon(waiter: Waiter): void {
    this.#disarm(waiter);
    if (waiter.queued) {
      waiter.queued = false;
      const position = this.#queue.indexOf(waiter);
      if (position !== -1) this.#queue.splice(position, 1);
    }
    const { connection } = waiter;
    waiter.connection = null;
    if (connection === null) return;
    connection.reader = null;
    // Nobody watches it any more, and a target that drops SYNs would hold it for minutes: it keeps its deadline.
    this.#wheel.schedule(connection, Math.max(1, waiter.deadlineAt - performance.now()));
  }

  /** A connection is free again, or new and unclaimed. */
  release(connection: UpstreamConnection): void {
    const next = this.#queue.shift();
    if (next?.reader) {
      const { reader } = next;
      this.#disarm(next);
      this.#wheel.cancel(connection);
      next.queued = false;
      reader.onReady(connection);
      return;
    }
    if (this.#retired || this.#idle.length >= this.#options.idleConnectionsMax) {
      connection.destroy();
      return;
    }
    connection.idleIndex = this.#idle.length;
    this.#idle.push(connection);
    const advertised = connection.head.keepAliveTimeoutMs;
    // A second before the target's own deadline: a request must not meet the closing of its connection.
    const idleMs =
      advertised > 0 ? Math.min(this.#options.idleMs, Math.max(1, advertised - 1_000)) : this.#options.idleMs;
    this.#wheel.schedule(connection, idleMs);
  }

  /** A connection ended, for whatever reason. */
  gone(connection: UpstreamConnection): void {
    if (!this.#all.delete(connection)) return;
    this.#health.connectionClosed(this.target.slot);
    this.#wheel.cancel(connection);
    if (connection.idleIndex !== -1) {
      const last = this.#idle.pop();
      if (last !== undefined && last !== connection) {
        this.#idle[connection.idleIndex] = last;
        last.idleIndex = connection.idleIndex;
      }
      connection.idleIndex = -1;
    }
    this.#serveQueue();
  }

  /** The target left the configuration: idle connections end now, busy ones after their answer. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#idle]) connection.destroy();
  }

  /** Ends everything; answers under way are cut. */
  close(): void {
    this.#retired = true;
    this.#closed = true;
    for (const waiter of this.#queue.splice(0)) {
      this.#disarm(waiter);
      waiter.queued = false;
    }
    for (const connection of [...this.#all]) connection.destroy();
  }

  /** Called by a waiter's timer. */
  waitedTooLong(waiter: Waiter): void {
    const leftMs = waiter.deadlineAt - performance.now();
    if (leftMs > 0) {
      // Armed behind a stall of the loop, which the wheel has not counted yet: a target must not pay for that.
      this.#wheel.schedule(waiter, leftMs);
      return;
    }
    const { reader } = waiter;
    const { connection, queued } = waiter;
    this.abandon(waiter);
    connection?.destroy();
    if (reader === null) return;
    if (!queued) this.#events.connectFailed(this.target.slot);
    reader.onFailure(
      queued ? 'SP_UPSTREAM_OVERLOADED' : 'SP_UPSTREAM_CONNECT_TIMEOUT',
      queued ? 'no connection became free in time' : `no connection after ${this.#options.connectMs} ms`,
      false,
    );
  }

  /** Opens connections for those who wait, as far as there may be more. */
  #serveQueue(): void {
    if (this.#closed) return;
    while (this.#all.size < this.#options.connectionsMax) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      next.queued = false;
      this.#connect(next);
    }
  }

  #arm(waiter: Waiter): void {
    waiter.deadlineAt = performance.now() + this.#options.connectMs;
    this.#wheel.schedule(waiter, this.#options.connectMs);
  }

  #disarm(waiter: Waiter): void {
    this.#wheel.cancel(waiter);
    waiter.reader = null;
  }

  /** Who has waited in the queue gets the whole time for connecting, too: the target is judged by it. */
  #connect(waiter: Waiter): void {
    this.#arm(waiter);
    const connection = new UpstreamConnection(this);
    this.#all.add(connection);
    this.#health.connectionOpened(this.target.slot);
    this.#events.connectionOpened(this.target.slot);
    waiter.connection = connection;
    connection.reader = new Opening(this, waiter);
  }

  /** The waiter's connection stands. */
  opened(waiter: Waiter, connection: UpstreamConnection): void {
    const { reader } = waiter;
    this.#disarm(waiter);
    waiter.connection = null;
    connection.reader = null;
    if (reader === null) this.release(connection);
    else reader.onReady(connection);
  }

  /** The waiter's connection failed. */
  failed(waiter: Waiter, code: ErrorCode, reason: string): void {
    const { reader } = waiter;
    this.#disarm(waiter);
    waiter.connection = null;
    this.#events.connectFailed(this.target.slot);
    reader?.onFailure(code, reason, false);
  }
}

/** Stands in for the request while its connection is being opened. */
class Opening implements AnswerReader {
  readonly isHead = false;
  readonly #pool: ConnectionPool;
  readonly #waiter: Waiter;

  constructor(pool: ConnectionPool, waiter: Waiter) {
    this.#pool = pool;
    this.#waiter = waiter;
  }

  onReady(connection: UpstreamConnection): void {
    this.#pool.opened(this.#waiter, connection);
  }

  onFailure(code: ErrorCode, reason: string): void {
    this.#pool.failed(this.#waiter, code, reason);
  }

  onBug(error: unknown): void {
    this.#waiter.reader?.onBug(error);
  }

  // No request was sent yet: the connection reports none of these.
  onHead(): boolean {
    return false;
  }
  onPiece(): boolean {
    return false;
  }
  onEnd(): void {}
  onDrain(): void {}
}
