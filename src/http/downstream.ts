// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { TimerNode, type TimerWheel } from '../base/timer-wheel.ts';
import { LINGER_BYTES_MAX, LINGER_MS, LINGER_QUIET_MS } from '../limits.ts';
import { type Downstream, type Source, Transaction, type TransactionOwner } from '../transaction.ts';
import { refuse } from '../verdict.ts';
import type { HttpResponse } from './uws.ts';

/** uWS cuts a blocked `tryEnd` after about 10 s unless it is called again; we keep it and apply our own deadline. */
const NUDGE_MS = 4_000;
/** Status written for a request whose client left before an answer began, as nginx does; never sent. */
const CLIENT_CLOSED_REQUEST = 499;
const NO_BYTES = new Uint8Array(0);

export interface DownstreamSettings {
  readonly wheel: TimerWheel;
  readonly bodyIdleMs: number;
  readonly bodyTotalMs: number;
  readonly responseIdleMs: number;
  /** True while the process drains: every answer ends its connection. */
  readonly draining: () => boolean;
}

/**
 * The client's side of one exchange, over uWS's response object. uWS throws when `res` is touched after its end or
 * abort: `#res` is null from then on, and every method checks it first.
 *
 * Threads: one.
 */
export class HttpDownstream extends TimerNode implements Downstream {
  readonly tx: Transaction;
  gone = false;
  begun = false;
  blocked = false;
  bodyComplete = true;
  #res: HttpResponse | null;
  readonly #settings: DownstreamSettings;
  #source: Source | null = null;
  #received = 0;
  #bodyPaused = false;
  #lastBodyAt = 0;
  /** Head of a streamed answer until its first write. */
  #head: Uint8Array | null = null;
  /** Declared length of a streamed answer; -1 for chunked. */
  #total = -1;
  /** What `tryEnd` did not take, and the body offset of its first byte. */
  #rest: Uint8Array | null = null;
  #restOffset = 0;
  #written = 0;
  #ending = false;
  #progressAt = 0;
  /** When the answer was complete although the request body was not; -1 before. */
  #lingerSince = -1;
  /** Bytes received when lingering ends. */
  #lingerUntil = 0;

  constructor(
    res: HttpResponse,
    owner: TransactionOwner,
    settings: DownstreamSettings,
    startedAtMs: number,
    startedAt: number,
  ) {
    super();
    this.#res = res;
    this.#settings = settings;
    this.tx = new Transaction(this, owner, startedAtMs, startedAt);
  }

  /** Called by the front while the handler runs, when the request has a body. */
  expectBody(): void {
    this.bodyComplete = false;
    this.#lastBodyAt = this.tx.startedAt;
    this.#res?.onData((chunk, isLast) => this.#onData(chunk, isLast));
    this.#settings.wheel.schedule(this, this.#settings.bodyIdleMs);
  }

  // ------------------------------------------------------------------ request body

  attach(source: Source): void {
    this.#source = source;
  }

  detach(): void {
    this.#source = null;
    if (this.#bodyPaused) this.resumeBody();
  }

  replay(pieces: readonly Uint8Array[], isWhole: boolean): void {
    for (const [index, piece] of pieces.entries()) this.#source?.onBody(piece, isWhole && index === pieces.length - 1);
  }

  abandon(): void {
    this.#source?.onAbort();
  }

  pauseBody(): void {
    if (this.#bodyPaused || this.#res === null || this.bodyComplete) return;
    this.#bodyPaused = true;
    this.#res.pause();
  }

  /** Nothing where all of it is here: uWS would close 10 s after. The answer ends that pause. */
  resumeBody(): void {
    if (!this.#bodyPaused || this.bodyComplete) return;
    this.#bodyPaused = false;
    this.#lastBodyAt = performance.now();
    this.#res?.resume();
  }

  /** An answer goes out: the next request on this connection is to be read. */
  #wake(res: HttpResponse): void {
    if (!this.#bodyPaused || !this.bodyComplete) return;
    this.#bodyPaused = false;
    res.resume();
  }

  #onData(chunk: ArrayBuffer, isLast: boolean): void {
    const { tx } = this;
    try {
      this.#received += chunk.byteLength;
      tx.bytesReceived = this.#received;
      this.#lastBodyAt = performance.now();
      if (isLast) {
        this.bodyComplete = true;
        tx.bodyAt = this.#lastBodyAt;
        tx.places?.uploaded(tx);
      }
      if (this.#lingerSince !== -1) {
        if (isLast || this.#received > this.#lingerUntil) this.#endChunks();
        return;
      }
      const { route } = tx;
      if (route !== null && this.#received > route.bodyBytesMax && !tx.finished) {
        this.#giveUp('SP_REQUEST_BODY_TOO_LARGE');
        return;
      }
      this.#source?.onBody(new Uint8Array(chunk), isLast);
      // A read brings many chunks, and each sets uWS's own time-out of 10 s anew: only a pause behind the last one of
      // them keeps it from closing a client that we hold back.
      if (this.#bodyPaused) this.#res?.pause();
    } catch (error) {
      tx.owner.failed(tx, error);
    }
  }

  /** The client broke a rule in the middle: the upstream is let go first, then the client gets its answer. */
  #giveUp(code: 'SP_REQUEST_BODY_TOO_LARGE' | 'SP_REQUEST_BODY_TIMEOUT' | 'SP_RESPONSE_TIMEOUT'): void {
    this.#source?.onAbort();
    this.tx.owner.refuse(this.tx, refuse(code));
  }

  // ------------------------------------------------------------------ answer

  respond(status: number, head: Uint8Array, body: Uint8Array | null): void {
    const res = this.#take();
    if (res === null) return;
    this.tx.status = status;
    this.tx.bytesSent = body === null ? 0 : body.length;
    corked.res = res;
    corked.head = head;
    corked.body = body ?? NO_BYTES;
    corked.close = !this.bodyComplete || this.#settings.draining();
    this.#wake(res);
    res.cork(endCorked);
    this.tx.owner.finish(this.tx);
  }

  respondEmpty(status: number, head: Uint8Array, contentLength: number): void {
    const res = this.#take();
    if (res === null) return;
    this.tx.status = status;
    this.#wake(res);
    corked.res = res;
    // endWithoutBody(length) leaves uWS waiting for a body that never comes, and an undefined length counts as a
    // number: length and close go with the head instead.
    const full = contentLength < 0 ? head : withField(head, `content-length: ${contentLength}`);
    if (!this.bodyComplete || this.#settings.draining()) this.#endHeadAndClose(res, full);
    else {
      corked.head = full;
      res.cork(endCorkedWithoutBody);
    }
    this.tx.owner.finish(this.tx);
  }

  /**
   * uWS's own end without a body leaves the connection open: what follows a faulty head would be read as a request.
   * Unended, the exchange keeps uWS from reading one; the close waits until what is corked has left.
   */
  #endHeadAndClose(res: HttpResponse, head: Uint8Array): void {
    // The status line's own CRLF completes the blank line; uWS adds Date only to answers that it ends itself.
    corked.head = withField(head, `connection: close\r\ndate: ${new Date().toUTCString()}\r\n`);
    res.cork(writeCorkedHead);
    setImmediate(() => {
      if (!this.gone) res.close();
    });
  }

  begin(status: number, head: Uint8Array, contentLength: number): void {
    const res = this.#res;
    if (res === null) return;
    this.begun = true;
    this.tx.status = status;
    // With a length uWS ends the answer by itself at the last byte; ended, its connection cannot be closed any more.
    // One that may overtake the request's body goes out in chunks, whose end is ours.
    this.#total = this.bodyComplete ? contentLength : -1;
    // uWS cannot end a chunked answer with a close of its own (it writes the field into the body): say it in the head.
    const closes = this.#settings.draining() || !this.bodyComplete;
    this.#head = closes ? withField(head, 'connection: close') : Buffer.from(head);
    res.onWritable((offset) => this.#onWritable(offset));
    if (this.#total > 0) process.nextTick(flushHead, this);
  }

  write(chunk: Uint8Array): boolean {
    const res = this.#res;
    if (res === null) return true;
    this.tx.bytesSent += chunk.length;
    if (this.#rest !== null) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return false;
    }
    corked.down = this;
    corked.res = res;
    corked.body = chunk;
    res.cork(this.#total >= 0 ? writeCorkedLength : writeCorkedChunk);
    return !this.blocked;
  }

  end(): void {
    const res = this.#res;
    if (res === null) return;
    if (this.#rest !== null) {
      this.#ending = true;
      return;
    }
    if (this.#total < 0) {
      if (this.bodyComplete) this.#endChunks();
      else this.#linger();
      return;
    }
    this.#take();
    this.tx.owner.finish(this.tx);
  }

  /** The answer overtook the request's body: reads that for a while, then ends the answer and the connection. */
  #linger(): void {
    const now = performance.now();
    this.#lingerSince = now;
    this.#lingerUntil = this.#received + LINGER_BYTES_MAX;
    this.#settings.wheel.schedule(this, LINGER_QUIET_MS);
  }

  /**
   * Ends a chunked answer. uWS closes a connection that is silent for 10 s: paused before the end, it is silent to it,
   * whatever the client still sends, and takes nothing from it meanwhile.
   */
  #endChunks(): void {
    if (!this.bodyComplete) this.#res?.pause();
    const res = this.#take();
    if (res === null) return;
    corked.down = this;
    corked.res = res;
    res.cork(endCorkedChunks);
    this.tx.owner.finish(this.tx);
  }

  /** The connection becomes a WebSocket: nothing here touches it any more. @returns false when the client is gone. */
  leaveTo101(): boolean {
    return this.#take() !== null;
  }

  cut(): void {
    const res = this.#take();
    this.gone = true;
    res?.close();
  }

  // ------------------------------------------------------------------ uWS's side

  /** uWS: the client is gone. `res` must not be touched any more. */
  onAborted(): void {
    if (this.gone) return;
    this.gone = true;
    if (this.#res === null) return;
    this.#take();
    const { tx } = this;
    try {
      tx.code ??= 'SP_REQUEST_ABORTED';
      if (tx.status === 0) tx.status = CLIENT_CLOSED_REQUEST;
      this.#source?.onAbort();
      tx.owner.finish(tx);
    } catch (error) {
      tx.owner.failed(tx, error);
    }
  }

  #onWritable(offset: number): boolean {
    try {
      const res = this.#res;
      if (res === null) return true;
      this.#progressAt = performance.now();
      if (this.#rest !== null && !this.#writeRest(res, offset)) return false;
      this.#unblock();
    } catch (error) {
      this.tx.owner.failed(this.tx, error);
    }
    return true;
  }

  /** @returns true when uWS took all of it. */
  #writeRest(res: HttpResponse, offset: number): boolean {
    const rest = this.#rest;
    if (rest === null) return true;
    const left = rest.subarray(offset - this.#restOffset);
    const [taken] = res.tryEnd(left, this.#total);
    if (taken) {
      this.#rest = null;
      this.#written = this.#restOffset + rest.length;
      return true;
    }
    return false;
  }

  /** Within a cork: the head of a streamed answer goes out with its first piece. */
  writeHead(res: HttpResponse): void {
    const head = this.#head;
    if (head === null) return;
    this.#head = null;
    this.#wake(res);
    res.writeStatus(head);
  }

  /** Within a cork. */
  writeLength(res: HttpResponse, chunk: Uint8Array): void {
    this.writeHead(res);
    const [taken] = res.tryEnd(chunk, this.#total);
    if (taken) {
      this.#written += chunk.length;
      return;
    }
    // What was not taken must be kept: its memory is the shared read buffer.
    const offset = res.getWriteOffset();
    this.#rest = Buffer.from(chunk.subarray(offset - this.#written));
    this.#restOffset = offset;
    this.#block();
  }

  /** Within a cork. */
  writeChunk(res: HttpResponse, chunk: Uint8Array): void {
    this.writeHead(res);
    if (!res.write(chunk)) this.#block();
  }

  #block(): void {
    this.blocked = true;
    this.#progressAt = performance.now();
    this.#settings.wheel.schedule(this, NUDGE_MS);
  }

  /** A head without a body yet: with a length it can be shown now, chunked it waits for the first piece. */
  flushEarly(): void {
    const res = this.#res;
    if (res === null || this.#head === null) return;
    try {
      this.write(NO_BYTES);
    } catch (error) {
      this.tx.owner.failed(this.tx, error);
    }
  }

  // ------------------------------------------------------------------ deadlines

  fire(): void {
    try {
      this.#look();
    } catch (error) {
      this.tx.owner.failed(this.tx, error);
    }
  }

  #look(): void {
    const res = this.#res;
    if (res === null) return;
    const now = performance.now();
    if (this.#lingerSince !== -1) {
      const quietMs = Math.max(this.#lingerSince, this.#lastBodyAt) + LINGER_QUIET_MS - now;
      const leftMs = Math.min(quietMs, this.#lingerSince + LINGER_MS - now);
      if (leftMs <= 0) this.#endChunks();
      else this.#settings.wheel.schedule(this, leftMs);
      return;
    }
    let nextMs = Number.POSITIVE_INFINITY;
    if (this.blocked) {
      const leftMs = this.#progressAt + this.#settings.responseIdleMs - now;
      if (leftMs <= 0) {
        this.#giveUp('SP_RESPONSE_TIMEOUT');
        return;
      }
      if (this.#rest !== null) {
        this.#nudge(res);
        if (this.#res === null) return;
      }
      nextMs = Math.min(leftMs, NUDGE_MS);
    }
    if (!this.bodyComplete) {
      // While we hold the client back its silence is our doing; the upstream call watches then.
      const idleMs = this.#bodyPaused ? this.#settings.bodyIdleMs : this.#lastBodyAt + this.#settings.bodyIdleMs - now;
      const leftMs = Math.min(idleMs, this.tx.startedAt + this.#settings.bodyTotalMs - now);
      if (leftMs <= 0) {
        this.#giveUp('SP_REQUEST_BODY_TIMEOUT');
        return;
      }
      nextMs = Math.min(nextMs, leftMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#settings.wheel.schedule(this, nextMs);
  }

  #nudge(res: HttpResponse): void {
    const before = res.getWriteOffset();
    const taken = this.#writeRest(res, before);
    if (taken || res.getWriteOffset() > before) this.#progressAt = performance.now();
    if (taken) this.#unblock();
  }

  #unblock(): void {
    this.blocked = false;
    if (this.#ending) {
      this.#take();
      this.tx.owner.finish(this.tx);
    } else {
      this.#source?.onDrain();
    }
  }

  #take(): HttpResponse | null {
    const res = this.#res;
    this.#res = null;
    this.begun = true;
    this.#settings.wheel.cancel(this);
    return res;
  }
}

/** Arguments of the cork callbacks: corks run at once, so one set per thread saves a closure per answer. */
const corked = {
  res: null as unknown as HttpResponse,
  down: null as unknown as HttpDownstream,
  head: NO_BYTES as Uint8Array,
  body: NO_BYTES as Uint8Array,
  close: false,
};

function endCorked(): void {
  corked.res.writeStatus(corked.head);
  corked.res.end(corked.body, corked.close);
}

function endCorkedWithoutBody(): void {
  corked.res.writeStatus(corked.head);
  corked.res.endWithoutBody();
}

function writeCorkedHead(): void {
  corked.res.writeStatus(corked.head);
}

function writeCorkedLength(): void {
  corked.down.writeLength(corked.res, corked.body);
}

function writeCorkedChunk(): void {
  corked.down.writeChunk(corked.res, corked.body);
}

function endCorkedChunks(): void {
  corked.down.writeHead(corked.res);
  corked.res.end();
}

function flushHead(down: HttpDownstream): void {
  down.flushEarly();
}

function withField(head: Uint8Array, field: string): Buffer {
  const out = Buffer.allocUnsafe(head.length + field.length + 2);
  out.set(head);
  out.write(`\r\n${field}`, head.length, 'latin1');
  return out;
}
