// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { KeptBytes } from '../base/kept-bytes.ts';
import { UPLOAD_HIGH_WATER_BYTES } from '../limits.ts';
import type { GoOn, Source, Transaction } from '../transaction.ts';
import type { Verdict } from '../verdict.ts';

const NO_PIECES: readonly Buffer[] = Object.freeze([]);

/**
 * A request of which a phase wants the body before it goes on: whole, or more of it than it looks at. What was kept
 * then goes to whoever answers, in the same pieces of bytes.
 *
 * Threads: one. Lives from its making until the phase has decided, or the client goes.
 */
export class CollectedBody implements Source {
  readonly #tx: Transaction;
  readonly #bytesMax: number;
  readonly #decide: (body: Buffer, isWhole: boolean, later: GoOn) => Verdict;
  readonly #kept = new KeptBytes();
  /** What the phase looks at, while it has not decided. */
  #shown: readonly Buffer[] = NO_PIECES;
  #isShown = false;
  #isWhole = false;
  #isOver = false;

  /**
   * @param bytesMax  Past it nothing more is waited for.
   * @param decide    Gets what has come; not called when the client has gone. Where it says `pending` it calls `later`
   *                  once, with what says pass or a refusal.
   */
  constructor(tx: Transaction, bytesMax: number, decide: (body: Buffer, isWhole: boolean, later: GoOn) => Verdict) {
    this.#tx = tx;
    this.#bytesMax = bytesMax;
    this.#decide = decide;
    tx.downstream.attach(this);
  }

  onBody(chunk: Uint8Array, isLast: boolean): void {
    if (this.#isOver) return;
    this.#kept.append(chunk);
    if (isLast) this.#isWhole = true;
    if (this.#isShown) {
      if (!isLast && this.#kept.length > UPLOAD_HIGH_WATER_BYTES) this.#tx.downstream.pauseBody();
    } else if (isLast || this.#kept.length > this.#bytesMax) {
      this.#show();
    }
  }

  onDrain(): void {
    // Nothing is answered before the request goes on.
  }

  onAbort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tx.downstream.detach();
    this.#letGo();
  }

  #show(): void {
    this.#isShown = true;
    const pieces = this.#kept.take();
    this.#shown = pieces;
    const body = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    this.#goOn(() => this.#decide(body, this.#isWhole, (decide) => this.#goOn(decide)));
  }

  #goOn(decide: () => Verdict): void {
    if (this.#isOver) return;
    const tx = this.#tx;
    const { owner, downstream } = tx;
    try {
      tx.wentOnAt = performance.now();
      const verdict = decide();
      if (verdict.kind === 'pending') return;
      this.#isOver = true;
      downstream.detach();
      const pieces = this.#letGo();
      if (verdict.kind === 'refuse') {
        owner.refuse(tx, verdict);
        return;
      }
      if (owner.resume(tx, Date.now()) || tx.finished) return;
      downstream.replay(pieces, this.#isWhole);
    } catch (error) {
      this.onAbort();
      owner.failed(tx, error);
    }
  }

  #letGo(): readonly Buffer[] {
    const pieces = [...this.#shown, ...this.#kept.take()];
    this.#shown = NO_PIECES;
    return pieces;
  }
}
