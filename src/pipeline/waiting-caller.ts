import type { Waiting } from '../identity.ts';
import type { Transaction } from '../transaction.ts';
import { PENDING, type Verdict } from '../verdict.ts';
import { HeldRequest } from './held-request.ts';

/**
 * Requests of one thread that wait for an answer about their caller: keys, a verification, introspection. Bounded in
 * number and time, over all generations.
 *
 * Threads: one instance each.
 */
export class WaitingCallers {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * Holds a request until `judge` says something else than to wait.
   *
   * @param judge     Asked again whenever more may be known.
   * @param conclude  Makes the verdict; null for a request that waited too long.
   * @param waitMs    Longest wait.
   */
  hold<T extends { readonly kind: string }>(
    tx: Transaction,
    waiting: Waiting,
    waitMs: number,
    judge: () => T | Waiting,
    conclude: (judged: T | null) => Verdict,
  ): Verdict {
    this.#count += 1;
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#count -= 1;
    };
    const held = new HeldRequest(tx, end);
    const goOn = (judged: T | null): void => {
      end();
      held.goOn(() => conclude(judged));
    };
    const timer = setTimeout(() => goOn(null), waitMs);
    const again = (): void => {
      if (isOver) return;
      let judged: T | Waiting;
      try {
        judged = judge();
      } catch (error) {
        end();
        tx.owner.failed(tx, error);
        return;
      }
      if (isWaiting(judged)) judged.wait(again);
      else goOn(judged);
    };
    waiting.wait(again);
    return PENDING;
  }
}

function isWaiting(judged: { readonly kind: string }): judged is Waiting {
  return judged.kind === 'wait';
}
