import type { Config } from '../config/schema.ts';
import { ROUTES_METERED_MAX } from '../limits.ts';

/**
 * Metrics rows by route name: a name keeps its row over reloads, so its counters never jump. Names that are gone keep
 * theirs too, in case they come back; when the table is full, new names share the row of all others.
 *
 * Threads: main only.
 */
export class RouteRows {
  readonly #rows = new Map<string, number>();

  /** @returns  Row by name for every route of the configuration. */
  assign(config: Config): Readonly<Record<string, number>> {
    const assigned: Record<string, number> = {};
    for (const { name } of config.routes) {
      let row = this.#rows.get(name);
      if (row === undefined) {
        row = this.#rows.size;
        // Names that share are not remembered: reloads may bring any number of them.
        if (row < ROUTES_METERED_MAX) this.#rows.set(name, row);
      }
      assigned[name] = row;
    }
    return assigned;
  }
}
