/**
 * Metrics rows by name: a name keeps its row over reloads, so its counters never jump. Names that are gone keep theirs
 * too, in case they come back; when the table is full, new names share the row of all others.
 *
 * Threads: main only.
 */
export class NameRows {
  readonly #max: number;
  readonly #rows = new Map<string, number>();

  /** @param max  Rows there are; names past it get `max` or more, which counts as "other". */
  constructor(max: number) {
    this.#max = max;
  }

  /** @returns  Row by name. */
  assign(names: Iterable<string>): Readonly<Record<string, number>> {
    const assigned: Record<string, number> = {};
    for (const name of names) {
      let row = this.#rows.get(name);
      if (row === undefined) {
        row = this.#rows.size;
        // Names that share are not remembered: reloads may bring any number of them.
        if (row < this.#max) this.#rows.set(name, row);
      }
      assigned[name] = row;
    }
    return assigned;
  }
}
