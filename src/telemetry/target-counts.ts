import { TARGET_WORDS } from './layout.ts';
import type { MetricsTotals } from './totals.ts';

export interface MeteredTarget {
  /** Slot in the shared tables. */
  readonly slot: number;
  readonly upstream: string;
  /** `http://host:port`. */
  readonly target: string;
  /** Whether it gets requests now. */
  readonly usable: boolean;
}

/** One target as a scrape shows it. */
export interface TargetReading {
  readonly labels: { readonly upstream: string; readonly target: string };
  readonly usable: boolean;
  /** @param word  Of a target row, see `layout.ts`. */
  count(word: number): number;
}

interface Tenant {
  readonly name: string;
  /** What former tenants of the slot had counted. */
  readonly base: Float64Array;
}

/**
 * Target rows by name. A slot is given to another target once all others are taken; only the owner of a word may write
 * it, so the row is not cleared: what was counted before the new tenant came is subtracted instead.
 *
 * Threads: main only.
 */
export class TargetCounts {
  readonly #totals: MetricsTotals;
  readonly #targets: () => Iterable<MeteredTarget>;
  readonly #tenants = new Map<number, Tenant>();

  constructor(totals: MetricsTotals, targets: () => Iterable<MeteredTarget>) {
    this.#totals = totals;
    this.#targets = targets;
  }

  read(): TargetReading[] {
    return [...this.#targets()].map(({ slot, upstream, target, usable }) => {
      const name = `${upstream}\n${target}`;
      const known = this.#tenants.get(slot);
      const base = known?.name === name ? known.base : this.#base(slot, known !== undefined);
      if (known?.name !== name) this.#tenants.set(slot, { name, base });
      return {
        labels: { upstream, target },
        usable,
        count: (word: number) => this.#totals.target(slot, word) - (base[word] ?? 0),
      };
    });
  }

  #base(slot: number, isSecondTenant: boolean): Float64Array {
    const base = new Float64Array(TARGET_WORDS);
    return isSecondTenant ? base.map((_, word) => this.#totals.target(slot, word)) : base;
  }
}
