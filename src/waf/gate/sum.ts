// hot path: synchronous, never throws
import type { Hits, Seen } from './gate.ts';

/** Adds up what values hold; copies what it was given only to change it. */
export class Sum implements Seen {
  readonly #none: Hits;
  #own: number[] | null = null;
  hits: Hits;
  groups = 0;

  constructor(none: Hits) {
    this.#none = none;
    this.hits = none;
  }

  add({ hits, groups }: Seen): void {
    this.groups |= groups;
    if (hits === this.#none || hits === this.hits) return;
    if (this.hits === this.#none) {
      this.hits = hits;
      return;
    }
    const own = this.#own ?? this.hits.slice();
    this.#own = own;
    this.hits = own;
    for (let word = 0; word < own.length; word += 1) own[word] = (own[word] as number) | (hits[word] as number);
  }
}
