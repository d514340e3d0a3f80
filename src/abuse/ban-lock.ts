// hot path: synchronous, never throws
import { LOCK, TAKEN_LOCKS, TICKETS, VERSION } from './layout.ts';

/** Looks at a held lock before the thread sleeps between looks. */
const SPINS = 1_000;
/** A lock is held for some microseconds; one held this long belongs to a thread that died with it. */
const DEAD_MS = 1_000;

/**
 * The lock of a ban table: a word that holds its owner's ticket, 0 for nobody.
 *
 * Tickets tell a lock that is held long from one that passes through many hands, and let an owner that was only held up
 * notice that its lock was taken: then, too, what may be torn is made anew.
 *
 * Threads: any number, an instance each. Readers know of a writer by the version, which is odd meanwhile.
 */
export class BanLock {
  readonly #words: Int32Array;
  readonly #repair: () => void;
  #ticket = 0;

  /** @param repair  Makes anew what a writer that died amidst may have torn. Called under the lock. */
  constructor(words: Int32Array, repair: () => void) {
    this.#words = words;
    this.#repair = repair;
  }

  enter(): void {
    const words = this.#words;
    this.#ticket = this.#newTicket();
    const isTaken = this.#acquire();
    Atomics.or(words, VERSION, 1);
    if (isTaken) {
      Atomics.add(words, TAKEN_LOCKS, 1);
      this.#repair();
    }
  }

  leave(): void {
    const words = this.#words;
    if (Atomics.load(words, LOCK) === this.#ticket) {
      Atomics.add(words, VERSION, 1);
      if (Atomics.compareExchange(words, LOCK, this.#ticket, 0) === this.#ticket) return;
    }
    // Taken meanwhile: two wrote at once.
    this.enter();
    this.#repair();
    Atomics.add(words, VERSION, 1);
    Atomics.compareExchange(words, LOCK, this.#ticket, 0);
  }

  /** @returns  True when the lock was taken from an owner that did not give it back. */
  #acquire(): boolean {
    const words = this.#words;
    let owner = 0;
    let waits = 0;
    for (let spins = 0; ; spins += 1) {
      const seen = Atomics.compareExchange(words, LOCK, 0, this.#ticket);
      if (seen === 0) return false;
      if (seen !== owner) {
        owner = seen;
        waits = 0;
      }
      if (spins < SPINS) continue;
      if (waits >= DEAD_MS) {
        if (Atomics.compareExchange(words, LOCK, owner, this.#ticket) === owner) return true;
        continue;
      }
      Atomics.wait(words, LOCK, owner, 1);
      waits += 1;
    }
  }

  #newTicket(): number {
    // 0 is nobody's.
    return (Atomics.add(this.#words, TICKETS, 1) + 1) | 0 || this.#newTicket();
  }
}
