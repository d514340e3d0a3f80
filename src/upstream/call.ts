// hot path: synchronous, never throws
import { KeptBytes } from '../base/kept-bytes.ts';
import type { ErrorCode } from '../errors.ts';
import { UPLOAD_HIGH_WATER_BYTES } from '../limits.ts';
import type { Source, Transaction } from '../transaction.ts';
import { refuse } from '../verdict.ts';
import type { AnswerReader, UpstreamConnection } from './connection.ts';
import type { UpstreamGroup } from './group.ts';
import type { Waiter } from './pool.ts';
import type { ResponseHead } from './response-head.ts';
import type { FailureKind } from './retry-budget.ts';
import { TargetCall } from './target-call.ts';

/** What the call waits for; decides which time-out applies and what its code is. */
const WAIT_CONNECTION = 0;
const WAIT_BODY = 1;
const WAIT_HEAD = 2;
const WAIT_PIECE = 3;
const WAIT_CLIENT = 4;
const OVER = 5;

/** Failures before a connection stood, after which nothing can have been sent. Others are not worth another try. */
const CONNECT_FAILURES: ReadonlyMap<ErrorCode, FailureKind> = new Map([
  ['SP_UPSTREAM_CONNECT', 'connect'],
  ['SP_UPSTREAM_CONNECT_TIMEOUT', 'connect'],
  ['SP_UPSTREAM_TLS', 'tls'],
]);
const CHUNK_END = Buffer.from('0\r\n\r\n', 'latin1');

/**
 * One request at its upstream: picks a target, writes the request, streams both bodies with back-pressure, tries again
 * where that is safe, and watches every deadline.
 *
 * Threads: one. Lives from the upstream phase until the answer is complete or given up.
 */
export class UpstreamCall extends TargetCall implements AnswerReader, Source {
  readonly isHead: boolean;
  readonly #head: string;
  #waiter: Waiter | null = null;
  readonly #chunked: boolean;
  #connection: UpstreamConnection | null = null;
  #wait = WAIT_CONNECTION;
  #bodyComplete: boolean;
  /** A byte of the request body left for a target: no other try may follow. */
  #bodyStarted = false;
  /** What came of the body and cannot be written yet. */
  #held: KeptBytes | null = null;
  #bodyPaused = false;
  #streaming = false;
  /** Monotonic time of the last byte in either direction, milliseconds. */
  #lastMoveAt: number;
  #headDeadlineAt = 0;
  readonly #totalDeadlineAt: number;

  /**
   * @param head  Everything before the body, `Host` and framing included, final CRLF CRLF too.
   */
  constructor(tx: Transaction, group: UpstreamGroup, head: string) {
    super(tx, group, false);
    this.#head = head;
    this.isHead = tx.method === 'HEAD';
    this.#chunked = tx.contentLength === -1;
    this.#bodyComplete = tx.contentLength === 0;
    this.#lastMoveAt = tx.wentOnAt;
    const totalMs = tx.route?.config.policies.totalMs || group.config.timeouts.totalMs;
    this.#totalDeadlineAt = totalMs === 0 ? Number.POSITIVE_INFINITY : tx.wentOnAt + totalMs;
  }

  /** Starts the first try. Everything after this comes by callbacks. */
  start(nowMs: number): void {
    this.beginCall(this);
    this.#try(nowMs, false);
  }

  // ------------------------------------------------------------------ tries

  #try(nowMs: number, fresh: boolean): void {
    const { tx, group } = this;
    const target = this.chooseTarget(nowMs);
    if (target === null) return;
    const pool = group.pool(target);
    const idle = fresh ? null : pool.takeIdle();
    if (idle !== null) {
      this.#send(idle, tx.wentOnAt);
      return;
    }
    this.#wait = WAIT_CONNECTION;
    this.#armTimer(group.now());
    this.#waiter = pool.wait(this);
    if (this.#waiter === null) {
      this.giveUp('SP_UPSTREAM_OVERLOADED', `${target.url}: as many requests wait as circuit.pendingMax allows`);
    }
  }

  onReady(connection: UpstreamConnection): void {
    this.#waiter = null;
    this.#send(connection, this.group.now());
  }

  #send(connection: UpstreamConnection, now: number): void {
    this.#connection = connection;
    connection.expect(this);
    this.#lastMoveAt = now;
    // Everything around the client's fields was checked to be ASCII; latin1 saves 1 us a head, and cuts nothing off
    // then.
    const encoding = this.tx.isAscii ? 'latin1' : 'utf8';
    if (this.#isWritten) {
      connection.socket.write(this.#head, encoding);
      this.#awaitHead(now);
      return;
    }
    // One system call for the head and whatever there is of the body.
    connection.socket.cork();
    connection.socket.write(this.#head, encoding);
    this.#writeHeld(connection);
    process.nextTick(uncork, connection.socket);
    if (this.#bodyComplete) this.#awaitHead(now);
    else {
      this.#wait = WAIT_BODY;
      this.#armTimer(now);
      this.#resumeClient();
    }
  }

  #awaitHead(now: number): void {
    if (this.#streaming) return;
    this.#wait = WAIT_HEAD;
    this.#headDeadlineAt = now + this.group.config.timeouts.headMs;
    this.#armTimer(now);
  }

  onFailure(code: ErrorCode, reason: string, answered: boolean): void {
    if (this.#wait === OVER) return;
    const connection = this.#connection;
    const url = this.target?.url ?? '';
    const reused = connection !== null && connection.requests > 1;
    const nowMs = Date.now();
    this.#connection = null;
    this.#waiter = null;
    if (code !== 'SP_UPSTREAM_OVERLOADED' && code !== 'SP_DESCRIPTORS') {
      // A kept connection that dies of old age says nothing about the target's health.
      if (!(reused && !answered)) this.targetFailed(nowMs);
    }
    const failure = connection === null ? CONNECT_FAILURES.get(code) : reused && !answered ? 'reset-reused' : 'reset';
    if (this.leaveForRetry(failure, this.#bodyStarted)) this.#try(nowMs, true);
    else this.giveUp(code, url === '' ? reason : `${url}: ${reason}`);
  }

  // ------------------------------------------------------------------ the answer

  onHead(head: ResponseHead, whole: Buffer | null): boolean {
    const { tx } = this;
    const now = this.group.now();
    tx.upstreamMs = now - tx.wentOnAt;
    tx.status = head.status;
    tx.places?.answered(tx, head.status, now);
    const nowMs = tx.startedAtMs + (now - tx.startedAt);
    this.targetAnswered(head.status, nowMs);
    if (tx.inspection !== null) {
      tx.answerHead = head.view(head.clientHeadBytes);
      tx.answerLength = head.contentLength;
    }
    if (!tx.owner.resume(tx, nowMs)) {
      // A later phase answered in our place.
      this.#finish();
      return false;
    }
    const { downstream } = tx;
    const bytes = tx.answerFields === null ? head.clientHeadBytes : head.append(tx.answerFields);
    const clientHead = head.view(bytes);
    if (whole === null) {
      this.#streaming = true;
      this.#wait = WAIT_PIECE;
      this.#lastMoveAt = now;
      this.#armTimer(now);
      downstream.begin(head.status, clientHead, head.contentLength);
      return true;
    }
    const connection = this.#connection;
    this.#connection = null;
    const { isHead } = this;
    const empty = isHead || head.status === 204 || head.status === 304;
    const complete = this.#isWritten;
    this.#finish();
    // The answer first, while its bytes are in the read buffer; the connection afterwards.
    if (empty) downstream.respondEmpty(head.status, clientHead, head.status === 204 ? -1 : head.contentLength);
    else downstream.respond(head.status, clientHead, whole);
    connection?.release(complete);
    return true;
  }

  onPiece(piece: Buffer): boolean {
    this.#lastMoveAt = this.group.now();
    if (this.tx.downstream.write(piece)) return true;
    this.#wait = WAIT_CLIENT;
    return false;
  }

  onEnd(): void {
    const connection = this.#connection;
    this.#connection = null;
    const complete = this.#isWritten;
    this.#finish();
    this.tx.downstream.end();
    connection?.release(complete);
  }

  onBug(error: unknown): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#finish();
    connection?.destroy();
    this.tx.owner.failed(this.tx, error);
  }

  // ------------------------------------------------------------------ the client's side

  onBody(chunk: Uint8Array, isLast: boolean): void {
    if (this.#wait === OVER) return;
    const connection = this.#connection;
    if (isLast) this.#bodyComplete = true;
    if (connection === null) {
      this.#hold(chunk);
      return;
    }
    this.#lastMoveAt = this.group.now();
    // A write for each small piece would take a hundred times its bytes while the target takes nothing.
    if (this.#held !== null || connection.isFull) this.#hold(chunk);
    else this.#writeBody(connection, this.#frame(chunk, isLast));
    if (isLast) this.#awaitHead(this.#lastMoveAt);
  }

  onDrain(): void {
    // Either the client took the answer, or the target took the body: whoever was held back goes on.
    this.#lastMoveAt = this.group.now();
    if (this.#wait === WAIT_CLIENT && !this.tx.downstream.blocked) {
      this.#wait = WAIT_PIECE;
      this.#armTimer(this.#lastMoveAt);
      this.#connection?.resume();
    }
    if (this.#connection !== null) this.#writeHeld(this.#connection);
    this.#resumeClient();
  }

  onAbort(): void {
    if (this.#wait === OVER) return;
    const connection = this.#connection;
    this.#connection = null;
    this.#finish();
    connection?.destroy();
  }

  #resumeClient(): void {
    if (!this.#bodyPaused || this.#connection === null || this.#bodyComplete) return;
    if (this.#connection.writableBytes + (this.#held?.length ?? 0) > UPLOAD_HIGH_WATER_BYTES / 2) return;
    this.#bodyPaused = false;
    this.tx.downstream.resumeBody();
  }

  /** The target is not there yet, or takes nothing: keep the bytes, within bounds. */
  #hold(chunk: Uint8Array): void {
    this.#held ??= new KeptBytes();
    this.#held.append(chunk);
    const written = this.#connection?.writableBytes ?? 0;
    if (written + this.#held.length > UPLOAD_HIGH_WATER_BYTES) this.#pauseClient();
  }

  #writeHeld(connection: UpstreamConnection): void {
    const held = this.#held;
    // The other direction drains, too.
    if (held === null || connection.isFull) return;
    this.#held = null;
    const blocks = held.take();
    for (const [index, block] of blocks.entries()) {
      this.#writeBody(connection, this.#frame(block, this.#bodyComplete && index === blocks.length - 1));
    }
  }

  /** All of the request was given to the socket. */
  get #isWritten(): boolean {
    return this.#bodyComplete && this.#held === null;
  }

  #writeBody(connection: UpstreamConnection, framed: Buffer): void {
    this.#bodyStarted = true;
    if (framed.length === 0) return;
    if (!connection.socket.write(framed) && connection.writableBytes > UPLOAD_HIGH_WATER_BYTES) this.#pauseClient();
  }

  #pauseClient(): void {
    if (this.#bodyPaused || this.#bodyComplete) return;
    this.#bodyPaused = true;
    this.tx.downstream.pauseBody();
    // From here on the target's silence counts, and a client that vanished is not noticed: this deadline is the only
    // end.
    if (this.#wait === WAIT_BODY) this.#armTimer(this.group.now());
  }

  /** A copy of the bytes (the front takes them back), framed for the target: our own chunks, never the client's. */
  #frame(chunk: Uint8Array, isLast: boolean): Buffer {
    if (!this.#chunked) {
      const copy = Buffer.allocUnsafe(chunk.length);
      copy.set(chunk);
      return copy;
    }
    if (chunk.length === 0) return isLast ? CHUNK_END : Buffer.alloc(0);
    const size = `${chunk.length.toString(16)}\r\n`;
    const end = isLast ? 7 : 2;
    const framed = Buffer.allocUnsafe(size.length + chunk.length + end);
    framed.write(size, 0, 'latin1');
    framed.set(chunk, size.length);
    framed.write(isLast ? '\r\n0\r\n\r\n' : '\r\n', size.length + chunk.length, 'latin1');
    return framed;
  }

  // ------------------------------------------------------------------ ends

  #armTimer(now: number): void {
    this.group.wheel.schedule(this, Math.max(1, this.#deadlineAt() - now));
  }

  #deadlineAt(): number {
    const { timeouts } = this.group.config;
    let deadline: number;
    if (this.#wait === WAIT_CONNECTION) deadline = Number.POSITIVE_INFINITY;
    else if (this.#wait === WAIT_HEAD) deadline = this.#headDeadlineAt;
    else if (this.#wait === WAIT_CLIENT || (this.#wait === WAIT_BODY && !this.#bodyPaused))
      deadline = Number.POSITIVE_INFINITY;
    else deadline = this.#lastMoveAt + timeouts.idleMs;
    const nearest = Math.min(deadline, this.#totalDeadlineAt);
    // The pool watches a connection that is being opened, the downstream a slow client: look again now and then.
    return nearest === Number.POSITIVE_INFINITY ? this.group.now() + 30_000 : nearest;
  }

  /** Pieces only write a time stamp; the timer looks at it when it fires and goes back to sleep. */
  fire(): void {
    try {
      this.#look();
    } catch (error) {
      this.onBug(error);
    }
  }

  #look(): void {
    if (this.#wait === OVER) return;
    const now = this.group.now();
    if (now < this.#deadlineAt()) {
      this.#armTimer(now);
      return;
    }
    const url = this.target?.url ?? '';
    if (now >= this.#totalDeadlineAt) this.#timedOut('SP_TOTAL_TIMEOUT', `${url}: over its total time`);
    else if (this.#wait === WAIT_HEAD) this.#timedOut('SP_UPSTREAM_TIMEOUT', `${url}: no response head in time`);
    else this.#timedOut('SP_UPSTREAM_IDLE_TIMEOUT', `${url}: silent for ${this.group.config.timeouts.idleMs} ms`);
  }

  #timedOut(code: ErrorCode, reason: string): void {
    if (code !== 'SP_TOTAL_TIMEOUT') this.targetFailed(Date.now());
    this.giveUp(code, reason);
  }

  protected giveUp(code: ErrorCode, reason: string): void {
    const { tx } = this;
    const connection = this.#connection;
    this.#connection = null;
    this.#finish();
    connection?.destroy();
    tx.reason = reason;
    tx.owner.refuse(tx, refuse(code));
  }

  #finish(): void {
    if (this.#wait === OVER) return;
    this.#wait = OVER;
    if (this.#waiter !== null) this.#waiter.pool.abandon(this.#waiter);
    this.endCall();
    this.#held = null;
  }
}

function uncork(socket: { uncork(): void }): void {
  socket.uncork();
}
