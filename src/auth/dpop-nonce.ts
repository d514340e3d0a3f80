// hot path: synchronous, never throws
import { createHmac } from 'node:crypto';

/** 132 bits of the digest. */
const NONCE_LENGTH = 22;

/**
 * Nonces that say when they were made and nothing else: HMAC-SHA-256 of the number of a time slot. Whoever has the
 * secret knows them, so nothing is kept; that a proof comes once only is the replay table's business.
 *
 * One is good in its slot and in the next: from `slotMs` to twice as long. That of the slot to come is good as well,
 * since the clocks of machines differ.
 *
 * Threads: an instance each; all threads have one secret, and all machines with one `redis.keySecret`.
 */
export class DpopNonces {
  readonly #secret: Uint8Array;
  readonly #slotMs: number;
  #slot = Number.NaN;
  #made: readonly [before: string, now: string, next: string] = ['', '', ''];

  constructor(secret: Uint8Array, slotMs: number) {
    this.#secret = secret;
    this.#slotMs = slotMs;
  }

  /** For `DPoP-Nonce`. @param nowMs  Wall clock. */
  current(nowMs: number): string {
    this.#turn(nowMs);
    return this.#made[1];
  }

  isGood(nonce: unknown, nowMs: number): boolean {
    this.#turn(nowMs);
    return typeof nonce === 'string' && this.#made.includes(nonce);
  }

  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    if (slot === this.#slot) return;
    this.#slot = slot;
    this.#made = [this.#of(slot - 1), this.#of(slot), this.#of(slot + 1)];
  }

  #of(slot: number): string {
    return createHmac('sha256', this.#secret).update(`dpop nonce ${slot}`).digest('base64url').slice(0, NONCE_LENGTH);
  }
}
