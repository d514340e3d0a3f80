interface Held {
  readonly row: number;
  /** Steady clock of the first `assign` without the name; Infinity while it is wanted. */
  goneMs: number;
}

/**
 * Rows of a shared table by name. A name keeps its row over reloads. A row whose name is gone is given to another name
 * once it has rested and nothing is under way on it, since requests of the former configuration may still use it.
 *
 * Threads: main only.
 */
export class RestingRows {
  readonly #max: number;
  readonly #restMs: number;
  readonly #isBusy: (row: number) => boolean;
  readonly #held = new Map<string, Held>();
  readonly #free: number[] = [];
  #used = 0;

  /**
   * @param max     Rows there are.
   * @param restMs  Longest time that a thread may take to learn of a new configuration, with some to spare.
   * @param isBusy  Whether anything is under way on a row.
   */
  constructor(max: number, restMs: number, isBusy: (row: number) => boolean) {
    this.#max = max;
    this.#restMs = restMs;
    this.#isBusy = isBusy;
  }

  /**
   * @param names  Those of the new configuration. After a reload that was refused, those of the former one again.
   * @param onNew  Called for each name that had no row, before anybody else knows of it.
   * @returns  Row by name; null when there are not enough: then nothing has changed.
   */
  assign(
    names: ReadonlySet<string>,
    steadyMs: number,
    onNew: (name: string, row: number) => void,
  ): ReadonlyMap<string, number> | null {
    const fresh = [...names].filter((name) => !this.#held.has(name));
    this.#reclaim(names, steadyMs, fresh.length);
    if (this.#free.length + this.#max - this.#used < fresh.length) return null;
    for (const [name, held] of this.#held) held.goneMs = names.has(name) ? Infinity : Math.min(held.goneMs, steadyMs);
    for (const name of fresh) {
      const row = this.#free.pop() ?? this.#used++;
      this.#held.set(name, { row, goneMs: Infinity });
      onNew(name, row);
    }
    return new Map([...names].map((name) => [name, (this.#held.get(name) as Held).row]));
  }

  #reclaim(names: ReadonlySet<string>, steadyMs: number, wanted: number): void {
    if (this.#free.length + this.#max - this.#used >= wanted) return;
    for (const [name, { row, goneMs }] of this.#held) {
      if (names.has(name) || steadyMs - goneMs < this.#restMs || this.#isBusy(row)) continue;
      this.#held.delete(name);
      this.#free.push(row);
    }
  }
}
