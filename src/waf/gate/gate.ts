// hot path: synchronous, never throws
/** Which clauses that have literals a value meets: 30 of them to a number. Never changed once a value has it. */
export type Hits = readonly number[];

/** What a value, or several together, hold. */
export interface Seen {
  readonly hits: Hits;
  /** Groups of bytes: src/waf/gate/byte-groups.ts. */
  readonly groups: number;
}

/** Clauses to a number of Hits: small integers, wherever this runs. */
export const HITS_PER_WORD = 30;

/**
 * What must be in a value for one operator to hold. Says "perhaps" until the clauses are numbered, which is when all
 * operators of a rule set are known.
 */
export class Gate {
  /** Word of the hits, bit in it, groups of bytes; one such three for each clause. */
  clauses: readonly number[] = [];

  /** @param clauses  As described above; a clause without literals has bit 0, one without bytes no groups. */
  open(clauses: readonly number[]): void {
    this.clauses = clauses;
  }

  /** False where the operator cannot hold for any of the values that were seen. */
  mayHold({ hits, groups }: Seen): boolean {
    const { clauses } = this;
    for (let i = 0; i < clauses.length; i += 3) {
      const met = (hits[clauses[i] as number] as number) & (clauses[i + 1] as number);
      if ((met | (groups & (clauses[i + 2] as number))) === 0) return false;
    }
    return true;
  }
}
