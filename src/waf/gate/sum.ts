// hot path: synchronous, never throws
import type { Hits, Seen } from './gate.ts';

/** Adds up what values hold; copies what it was given only to change it. */
export class Sum implements Seen {
  readonly #none: Hits;
  #own: number[] | null = null;
  hits: Hits;
  groups = 0;

  /** @param none  Of values that meet no clause. */
  constructor(none: Hits) {
    this.#none = none;
    this.hits = none;
  }

  /** What is added must not change any more. */
  add({ hits, groups }: Seen): void {
    this.groups |= groups;
    if (hits === this.#none || hits === this.hits) return;
    if (this.hits === this.#none) {
      this.hits = hits;
      return;
    }
    const own = this.words();
    for (let word = 0; word < own.length; word += 1) own[word] = (own[word] as number) | (hits[word] as number);
  }

  /** Its hits, to be added to in place. */
  words(): number[] {
    const { hits } = this;
    const own = this.#own ?? this.#none.slice();
    if (hits !== own) for (let word = 0; word < own.length; word += 1) own[word] = hits[word] as number;
    this.#own = own;
    this.hits = own;
    return own;
  }

  /** Nothing was added. What it gave out before changes with it. */
  clear(): void {
    this.hits = this.#none;
    this.groups = 0;
  }

  /** What it is now, for good. */
  copy(): Seen {
    return { hits: this.hits === this.#own ? this.hits.slice() : this.hits, groups: this.groups };
  }
}
