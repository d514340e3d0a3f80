// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { KeptBytes } from '../base/kept-bytes.ts';
import { UPLOAD_HIGH_WATER_BYTES } from '../limits.ts';
import type { Source, Transaction } from '../transaction.ts';
import type { Verdict } from '../verdict.ts';

const NO_PIECES: readonly Buffer[] = Object.freeze([]);

/**
 * A request of which a phase waits: for its turn, or an answer from outside. Until then it is what the client's side
 * talks to: it keeps what comes of the body, and holds the client back when that is much.
 *
 * Threads: one. Lives from its making until one of `goOn` and `onAbort`.
 */
export class HeldRequest implements Source {
  readonly #tx: Transaction;
  readonly #onLeft: () => void;
  #body: KeptBytes | null = null;
  #isWhole = false;
  #isOver = false;

  /** @param onLeft  The client went before `goOn`. */
  constructor(tx: Transaction, onLeft: () => void = () => {}) {
    this.#tx = tx;
    this.#onLeft = onLeft;
    tx.downstream.attach(this);
  }

  /** The wait is over. @param decide  Says pass or a refusal; not called when the client has gone. */
  goOn(decide: () => Verdict): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const tx = this.#tx;
    const { owner, downstream } = tx;
    try {
      tx.wentOnAt = performance.now();
      downstream.detach();
      const pieces = this.#letGo();
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

  onBody(chunk: Uint8Array, isLast: boolean): void {
    this.#body ??= new KeptBytes();
    this.#body.append(chunk);
    if (isLast) this.#isWhole = true;
    else if (this.#body.length > UPLOAD_HIGH_WATER_BYTES) this.#tx.downstream.pauseBody();
  }

  onDrain(): void {
    // Nothing is answered before the request goes on.
  }

  onAbort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tx.downstream.detach();
    this.#letGo();
    this.#onLeft();
  }

  #letGo(): readonly Buffer[] {
    const body = this.#body;
    this.#body = null;
    return body === null ? NO_PIECES : body.take();
  }
}
