// hot path: synchronous, never throws
/** Looks at a held lock before the thread sleeps between looks. */
const SPINS = 1_000;
/** A lock is held for some microseconds; one held this long belongs to a thread that died with it. */
const DEAD_MS = 1_000;

/** Words of a lock, from its first. */
const LOCK = 0;
const TICKETS = 1;
/** Odd while somebody writes. */
const VERSION = 2;
/** Times that the lock was taken from an owner that did not give it back. */
const TAKEN = 3;
export const LOCK_WORDS = 4;

/**
 * The lock of a shared table: a word that holds its owner's ticket, 0 for nobody.
 *
 * Tickets tell a lock that is held long from one that passes through many hands, and let an owner that was only held up
 * notice that its lock was taken: then, too, what may be torn is made anew.
 *
 * Threads: any number, an instance each. Readers know of a writer by the version, which is odd meanwhile.
 */
export class TableLock {
  readonly #words: Int32Array;
  readonly #lock: number;
  readonly #tickets: number;
  readonly #version: number;
  readonly #taken: number;
  readonly #repair: () => void;
  #ticket = 0;

  /**
   * @param at      First of the lock's `LOCK_WORDS` words in the table.
   * @param repair  Makes anew what a writer that died amidst may have torn. Called under the lock.
   */
  constructor(words: Int32Array, at: number, repair: () => void) {
    this.#words = words;
    this.#lock = at + LOCK;
    this.#tickets = at + TICKETS;
    this.#version = at + VERSION;
    this.#taken = at + TAKEN;
    this.#repair = repair;
  }

  enter(): void {
    const words = this.#words;
    this.#ticket = this.#newTicket();
    const isTaken = this.#acquire();
    Atomics.or(words, this.#version, 1);
    if (isTaken) {
      Atomics.add(words, this.#taken, 1);
      this.#repair();
    }
  }

  /** @returns  False when the lock was taken meanwhile: what was written may be lost. */
  leave(): boolean {
    const words = this.#words;
    if (Atomics.load(words, this.#lock) === this.#ticket) {
      Atomics.add(words, this.#version, 1);
      if (Atomics.compareExchange(words, this.#lock, this.#ticket, 0) === this.#ticket) return true;
    }
    // Taken meanwhile: two wrote at once.
    this.enter();
    this.#repair();
    Atomics.add(words, this.#version, 1);
    Atomics.compareExchange(words, this.#lock, this.#ticket, 0);
    return false;
  }

  /** @returns  True when the lock was taken from an owner that did not give it back. */
  #acquire(): boolean {
    const words = this.#words;
    let owner = 0;
    let waits = 0;
    for (let spins = 0; ; spins += 1) {
      const seen = Atomics.compareExchange(words, this.#lock, 0, this.#ticket);
      if (seen === 0) return false;
      if (seen !== owner) {
        owner = seen;
        waits = 0;
      }
      if (spins < SPINS) continue;
      if (waits >= DEAD_MS) {
        if (Atomics.compareExchange(words, this.#lock, owner, this.#ticket) === owner) return true;
        continue;
      }
      Atomics.wait(words, this.#lock, owner, 1);
      waits += 1;
    }
  }

  #newTicket(): number {
    // 0 is nobody's.
    return (Atomics.add(this.#words, this.#tickets, 1) + 1) | 0 || this.#newTicket();
  }
}
