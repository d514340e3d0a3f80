// hot path: synchronous, never throws
import { KeptBytes } from '../base/kept-bytes.ts';
import type { Downstream, Source, Transaction } from '../transaction.ts';
import { refuse, type Verdict } from '../verdict.ts';

const NO_BYTES = Buffer.alloc(0);

export interface HeldAnswerOptions {
  /** Longest body that is held, bytes. */
  readonly bytesMax: number;
  /** A longer one is judged by its beginning. */
  readonly takesPart: boolean;
  /** Says pass or a refusal. Called once. */
  readonly judge: (body: Buffer, isPartial: boolean) => Verdict;
}

/**
 * Stands between whoever answers and the client until rules have seen the answer's body: nothing of the answer leaves
 * before. Then it steps aside, or the client gets a refusal instead.
 *
 * Threads: one. Lives from the head of an answer until it is judged or given up.
 */
export class HeldAnswer implements Downstream {
  readonly client: Downstream;
  readonly #tx: Transaction;
  readonly #options: HeldAnswerOptions;
  readonly #kept = new KeptBytes();
  #status = 0;
  #head: Uint8Array = NO_BYTES;
  #contentLength = -1;
  #isOver = false;

  constructor(tx: Transaction, options: HeldAnswerOptions) {
    this.client = tx.downstream;
    this.#tx = tx;
    this.#options = options;
    tx.downstream = this;
  }

  get gone(): boolean {
    return this.client.gone;
  }

  get begun(): boolean {
    return this.client.begun;
  }

  get blocked(): boolean {
    return this.client.blocked;
  }

  get bodyComplete(): boolean {
    return this.client.bodyComplete;
  }

  respond(status: number, head: Uint8Array, body: Uint8Array | null): void {
    if (this.#isOver) {
      this.client.respond(status, head, body);
      return;
    }
    const bytes = body === null ? NO_BYTES : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const { bytesMax, takesPart } = this.#options;
    const verdict =
      bytes.length > bytesMax && !takesPart
        ? refuse('SP_WAF_ANSWER_TOO_LARGE')
        : this.#judge(bytes.subarray(0, bytesMax), bytes.length > bytesMax);
    if (verdict.kind === 'refuse') this.#tx.owner.refuse(this.#tx, verdict);
    else this.client.respond(status, head, body);
  }

  respondEmpty(status: number, head: Uint8Array, contentLength: number): void {
    this.stepAside();
    this.client.respondEmpty(status, head, contentLength);
  }

  begin(status: number, head: Uint8Array, contentLength: number): void {
    this.#status = status;
    this.#head = Buffer.from(head);
    this.#contentLength = contentLength;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver) return this.client.write(chunk);
    this.#kept.append(chunk);
    return this.#kept.length <= this.#options.bytesMax || this.#overflow();
  }

  end(): void {
    if (this.#isOver) {
      this.client.end();
      return;
    }
    const body = Buffer.concat(this.#kept.take());
    const verdict = this.#judge(body, false);
    if (verdict.kind === 'refuse') this.#tx.owner.refuse(this.#tx, verdict);
    else this.client.respond(this.#status, this.#head, body);
  }

  cut(): void {
    this.stepAside();
    this.client.cut();
  }

  attach(source: Source): void {
    this.client.attach(source);
  }

  detach(): void {
    this.client.detach();
  }

  replay(pieces: readonly Uint8Array[], isWhole: boolean): void {
    this.client.replay(pieces, isWhole);
  }

  abandon(): void {
    this.client.abandon();
  }

  pauseBody(): void {
    this.client.pauseBody();
  }

  resumeBody(): void {
    this.client.resumeBody();
  }

  /** Nothing is held any more; what comes goes to the client. */
  stepAside(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#kept.take();
    this.#tx.downstream = this.client;
  }

  #judge(body: Buffer, isPartial: boolean): Verdict {
    const verdict = this.#options.judge(body, isPartial);
    this.stepAside();
    return verdict;
  }

  /** @returns  False: wait for `Source.onDrain`. */
  #overflow(): boolean {
    const { bytesMax, takesPart } = this.#options;
    const pieces = this.#kept.take();
    const verdict = takesPart
      ? this.#judge(Buffer.concat(pieces).subarray(0, bytesMax), true)
      : refuse('SP_WAF_ANSWER_TOO_LARGE');
    if (verdict.kind === 'refuse') {
      // The upstream still sends: whoever reads it lets it go.
      this.client.abandon();
      this.#tx.owner.refuse(this.#tx, verdict);
      return true;
    }
    this.client.begin(this.#status, this.#head, this.#contentLength);
    let isTaken = true;
    for (const piece of pieces) isTaken = this.client.write(piece);
    return isTaken;
  }
}
