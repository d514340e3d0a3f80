import type { ByteText } from '../../base/byte-text.ts';
import { groupsOf } from './byte-groups.ts';
import type { Clause } from './clauses.ts';
import { Gate, HITS_PER_WORD } from './gate.ts';
import { literalTables } from './literal-automaton.ts';
import { ValueScanner } from './scan.ts';

/** Collects what the operators of a rule set need, and makes the one scanner for all of it. */
export class GateRegistry {
  readonly #gates: { readonly gate: Gate; readonly clauses: readonly Clause[] }[] = [];
  #scanner: ValueScanner | null = null;

  /**
   * The gate of an operator; null where nothing is known of it. Operators that come when the scanner is made already
   * get none: they are tried on every value.
   */
  gateOf(clauses: readonly Clause[]): Gate | null {
    if (clauses.length === 0 || this.#scanner !== null) return null;
    const gate = new Gate();
    this.#gates.push({ gate, clauses });
    return gate;
  }

  /** Opens every gate. Made once. */
  scanner(): ValueScanner {
    this.#scanner ??= this.#build();
    return this.#scanner;
  }

  #build(): ValueScanner {
    /** Literal -> the clauses that it meets. */
    const literals = new Map<ByteText, number[]>();
    const numbers = new Map<string, number>();
    const numberOf = (texts: readonly ByteText[]): number => {
      const key = texts.toSorted().map(encodeURIComponent).join(' ');
      const known = numbers.get(key);
      if (known !== undefined) return known;
      const number = numbers.size;
      numbers.set(key, number);
      for (const text of texts) literals.set(text, [...(literals.get(text) ?? []), number]);
      return number;
    };
    for (const { gate, clauses } of this.#gates) {
      gate.open(
        clauses.flatMap(({ literals: texts, bytes }) => {
          const groups = bytes === null ? 0 : groupsOf(bytes);
          if (texts.length === 0) return [0, 0, groups];
          const number = numberOf(texts);
          return [Math.floor(number / HITS_PER_WORD), 1 << (number % HITS_PER_WORD), groups];
        }),
      );
    }
    this.#gates.length = 0;
    return new ValueScanner(literalTables([...literals.keys()]), [...literals.values()], numbers.size);
  }
}
