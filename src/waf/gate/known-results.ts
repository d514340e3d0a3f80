// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';

/** What an operator captured, by group. */
export type Groups = readonly (ByteText | undefined)[];

/** What operators say of a value that is kept, by their number. Whoever captures has another number. */
export class KnownResults {
  readonly #missed: number[] = [];
  readonly #held = new Map<number, Groups>();

  /** The operator does not hold. */
  hasMissed(operator: number): boolean {
    const bits = this.#missed[operator >> 4];
    return bits !== undefined && ((bits >> (operator & 15)) & 1) === 1;
  }

  /** What an operator that holds captured; undefined for one that does not, or was not tried. */
  groupsOf(operator: number): Groups | undefined {
    return this.#held.get(operator);
  }

  noteMiss(operator: number): void {
    const word = operator >> 4;
    while (this.#missed.length <= word) this.#missed.push(0);
    this.#missed[word] = (this.#missed[word] as number) | (1 << (operator & 15));
  }

  noteHeld(operator: number, groups: Groups): void {
    this.#held.set(operator, groups);
  }
}
