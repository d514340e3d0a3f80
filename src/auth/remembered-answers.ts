// hot path: synchronous, never throws
import type { Judged } from '../identity.ts';

/** What is known of a token. */
export interface RememberedAnswer {
  /** A text of its own: a piece of a larger one would keep that. */
  readonly token: string;
  readonly judged: Judged;
  /** It holds from and until then, milliseconds since the epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Memory it takes, roughly. */
  readonly bytes: number;
  /** Asked for since it was last passed over. */
  isUsed: boolean;
}

/** Entries passed over, because they are in use, before one goes all the same: bounds the work of one request. */
const PASSED_OVER_MAX = 16;

/**
 * Answers about tokens of one server, bounded in number and bytes. The oldest goes first, unless it was used since.
 *
 * Threads: one instance each.
 */
export class RememberedAnswers {
  readonly #entries = new Map<string, RememberedAnswer>();
  readonly #max: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(max: number, bytesMax: number) {
    this.#max = max;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(token: string, nowMs: number): RememberedAnswer | null {
    const entry = this.#entries.get(token);
    if (entry === undefined) return null;
    // A clock that was set back must not make it last longer.
    if (nowMs >= entry.untilMs || nowMs < entry.fromMs) {
      this.#drop(entry);
      return null;
    }
    entry.isUsed = true;
    return entry;
  }

  add(entry: RememberedAnswer): void {
    const before = this.#entries.get(entry.token);
    if (before !== undefined) this.#drop(before);
    if (entry.bytes > this.#bytesMax) return;
    while (this.#entries.size >= this.#max || this.#bytes + entry.bytes > this.#bytesMax) {
      this.#evict(entry.fromMs);
    }
    this.#entries.set(entry.token, entry);
    this.#bytes += entry.bytes;
  }

  #evict(nowMs: number): void {
    let passed = 0;
    for (const entry of this.#entries.values()) {
      if (!entry.isUsed || nowMs >= entry.untilMs || passed === PASSED_OVER_MAX) {
        this.#drop(entry);
        return;
      }
      passed += 1;
      entry.isUsed = false;
      // To the end: as if it had come now.
      this.#entries.delete(entry.token);
      this.#entries.set(entry.token, entry);
    }
  }

  #drop(entry: RememberedAnswer): void {
    if (this.#entries.delete(entry.token)) this.#bytes -= entry.bytes;
  }
}
