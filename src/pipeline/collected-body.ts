// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { KeptBytes } from '../base/kept-bytes.ts';
import type { Source, Transaction } from '../transaction.ts';
import type { Verdict } from '../verdict.ts';

/**
 * A request of which a phase wants the body before it goes on: whole, or more of it than it looks at. What was kept
 * then goes to whoever answers, in the same pieces of bytes.
 *
 * Threads: one. Lives from its making until the body is there, or the client goes.
 */
export class CollectedBody implements Source {
  readonly #tx: Transaction;
  readonly #bytesMax: number;
  readonly #decide: (body: Buffer, isWhole: boolean) => Verdict;
  readonly #kept = new KeptBytes();
  #isOver = false;

  /**
   * @param bytesMax  Past it nothing more is waited for.
   * @param decide    Gets what has come; not called when the client has gone.
   */
  constructor(tx: Transaction, bytesMax: number, decide: (body: Buffer, isWhole: boolean) => Verdict) {
    this.#tx = tx;
    this.#bytesMax = bytesMax;
    this.#decide = decide;
    tx.downstream.attach(this);
  }

  onBody(chunk: Uint8Array, isLast: boolean): void {
    if (this.#isOver) return;
    this.#kept.append(chunk);
    if (isLast || this.#kept.length > this.#bytesMax) this.#goOn(isLast);
  }

  onDrain(): void {
    // Nothing is answered before the request goes on.
  }

  onAbort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tx.downstream.detach();
    this.#kept.take();
  }

  #goOn(isWhole: boolean): void {
    this.#isOver = true;
    const tx = this.#tx;
    const { owner, downstream } = tx;
    try {
      tx.wentOnAt = performance.now();
      downstream.detach();
      const pieces = this.#kept.take();
      const verdict = this.#decide(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces), isWhole);
      if (verdict.kind === 'refuse') {
        owner.refuse(tx, verdict);
        return;
      }
      if (owner.resume(tx, Date.now()) || tx.finished) return;
      downstream.replay(pieces, isWhole);
    } catch (error) {
      owner.failed(tx, error);
    }
  }
}
