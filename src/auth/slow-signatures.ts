// hot path: synchronous, never throws
import { createHash } from 'node:crypto';
import type { Waiting } from '../identity.ts';
import { SLOW_OUTCOMES_MAX, SLOW_VERIFICATIONS_MAX } from '../limits.ts';
import type { Algorithm } from './algorithms.ts';
import type { CompactToken } from './token.ts';
import type { VerificationKey } from './verification-key.ts';
import { verifySlowly } from './verify.ts';

interface Flight {
  readonly waiting: Waiting;
  readonly waiters: (() => void)[];
}

/**
 * Verifications too slow for an ingress loop: each runs once on libuv's pool, however many requests bring the same
 * token meanwhile, and what came of it is kept. Whether a key made a signature does not change with time, so outcomes
 * are bounded in number only; the oldest goes first.
 *
 * Threads: one per thread.
 */
export class SlowSignatures {
  readonly #flights = new Map<string, Flight>();
  readonly #outcomes = new Map<string, boolean>();

  #started = 0;

  get underWay(): number {
    return this.#flights.size;
  }

  get started(): number {
    return this.#started;
  }

  /** @returns  The outcome, or how to wait for it; null when too many are under way. */
  ask(key: VerificationKey, alg: Algorithm, text: string, token: CompactToken): boolean | Waiting | null {
    const name = `${key.serial} ${createHash('sha256').update(text).digest('base64')}`;
    const outcome = this.#outcomes.get(name);
    if (outcome !== undefined) return outcome;
    const running = this.#flights.get(name);
    if (running !== undefined) return running.waiting;
    if (this.#flights.size >= SLOW_VERIFICATIONS_MAX) return null;
    const waiters: (() => void)[] = [];
    const flight: Flight = {
      waiters,
      waiting: {
        kind: 'wait',
        wait: (again) => {
          // A verdict that came in between is not worth a wait, but the callback is never called at once.
          if (this.#flights.get(name) === flight) waiters.push(again);
          else setImmediate(again);
        },
      },
    };
    this.#flights.set(name, flight);
    this.#started += 1;
    verifySlowly(key, alg, token.signingInput, token.signature, (isRight) => {
      this.#flights.delete(name);
      this.#keep(name, isRight);
      for (const again of waiters) again();
    });
    return flight.waiting;
  }

  #keep(name: string, isRight: boolean): void {
    if (this.#outcomes.size >= SLOW_OUTCOMES_MAX) {
      for (const oldest of this.#outcomes.keys()) {
        this.#outcomes.delete(oldest);
        break;
      }
    }
    this.#outcomes.set(name, isRight);
  }
}
