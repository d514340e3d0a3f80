// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { UPLOAD_HIGH_WATER_BYTES } from '../limits.ts';
import type { Source, Transaction } from '../transaction.ts';
import type { Verdict } from '../verdict.ts';

/**
 * A request of which a phase waits for an answer from outside. Until then it is what the client's side talks to: it
 * keeps what comes of the body, and holds the client back when that is much.
 *
 * Threads: one. Lives from its making until one of `goOn` and `onAbort`.
 */
export class HeldRequest implements Source {
  readonly #tx: Transaction;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #isWhole = false;
  #isOver = false;

  constructor(tx: Transaction) {
    this.#tx = tx;
    tx.downstream.attach(this);
  }

  /** The answer is there. @param decide  Says pass or a refusal; not called when the client has gone. */
  goOn(decide: () => Verdict): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const tx = this.#tx;
    const { owner, downstream } = tx;
    try {
      tx.wentOnAt = performance.now();
      downstream.detach();
      const pieces = this.#pieces;
      this.#pieces = [];
      const verdict = decide();
      if (verdict.kind === 'refuse') {
        owner.refuse(tx, verdict);
        return;
      }
      if (owner.resume(tx, Date.now()) || tx.finished) return;
      // Not finished and not through: a later phase waits, and wants what came of the body.
      downstream.replay(pieces, this.#isWhole);
    } catch (error) {
      owner.failed(tx, error);
    }
  }

  /** A copy: the bytes are gone when this returns. */
  onBody(chunk: Uint8Array, isLast: boolean): void {
    this.#pieces.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    if (isLast) this.#isWhole = true;
    else if (this.#bytes > UPLOAD_HIGH_WATER_BYTES) this.#tx.downstream.pauseBody();
  }

  onDrain(): void {
    // Nothing is answered before the request goes on.
  }

  onAbort(): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#tx.downstream.detach();
  }
}
