import { createHash } from 'node:crypto';
import type { ByteText } from '../../base/byte-text.ts';
import type { Clause } from './clauses.ts';
import { Gate } from './gate.ts';
import { clausesIn, type GateTables, gateTables, patternIn } from './gate-tables.ts';
import { ValueScanner } from './scan.ts';

/**
 * What an operator needs depends on this alone. Equal keys, equal clauses: on whichever thread, in whichever rule set.
 *
 * @param data  Texts of the files that it read.
 */
export function operatorKey(word: string, parameter: ByteText, data: readonly ByteText[]): string {
  const hash = createHash('sha256');
  // Lengths part the texts: they hold any bytes.
  for (const text of [word, parameter, ...data]) hash.update(`${text.length} `).update(text, 'latin1');
  return hash.digest('base64');
}

interface Registered {
  readonly gate: Gate | null;
  readonly needs: () => readonly Clause[];
  readonly translated: ByteText;
}

/** Collects what the operators of a rule set need, and makes the one scanner for all of it. */
export class GateRegistry {
  /** By key. Emptied when given tables turn out to hold all of it. */
  readonly #registered = new Map<string, Registered>();
  /** As another thread built them. */
  readonly #tables: GateTables | null;
  /** The same, null where an operator is not in them. */
  #given: GateTables | null;
  #built: GateTables | null = null;
  #scanner: ValueScanner | null = null;

  /** @param given  Tables of the same rules. Where an operator is missing there, they are built here. */
  constructor(given: GateTables | null = null) {
    this.#tables = given;
    this.#given = given;
  }

  /**
   * The gate of an operator; null where nothing is known of it. Operators that come when the scanner is made already
   * get none unless the tables were given, and hold them: they are tried on every value.
   *
   * @param key    See operatorKey.
   * @param needs  What it needs; asked only where no tables say so.
   * @param translated  As in OperatorNeeds.
   */
  gateOf(key: string, needs: () => readonly Clause[], translated: ByteText = ''): Gate | null {
    const known = this.#registered.get(key);
    if (known !== undefined) return known.gate;
    const own = this.#given === null ? undefined : clausesIn(this.#given, key);
    if (this.#scanner !== null) {
      if (own !== undefined) return opened(own);
      // Not for this thread's scanner, but tables for others shall hold it.
      this.#registered.set(key, { gate: null, needs, translated });
      return null;
    }
    if (own === undefined) this.#given = null;
    const clauses = own === undefined ? needs() : null;
    const gate = (own ?? clauses)?.length === 0 ? null : new Gate();
    this.#registered.set(key, { gate, needs: clauses === null ? needs : () => clauses, translated });
    return gate;
  }

  /** The translated parameter of an operator that the thread compiled which the tables are of; null for none. */
  translated(key: string): ByteText | null {
    return this.#tables === null ? null : patternIn(this.#tables, key);
  }

  /** Opens every gate. Made once. */
  scanner(): ValueScanner {
    this.#scanner ??= this.#open();
    return this.#scanner;
  }

  /** Tables of all operators that came so far, for other threads. */
  tables(): GateTables {
    if (this.#given !== null) return this.#given;
    if (this.#built?.operators.size !== this.#registered.size) {
      this.#built = gateTables(
        new Map([...this.#registered].map(([key, { needs, translated }]) => [key, { clauses: needs(), translated }])),
      );
    }
    return this.#built;
  }

  #open(): ValueScanner {
    const tables = this.tables();
    for (const [key, { gate }] of this.#registered) gate?.open(clausesIn(tables, key) ?? []);
    if (this.#given !== null) this.#registered.clear();
    return new ValueScanner(tables.scan);
  }
}

function opened(clauses: readonly number[]): Gate | null {
  if (clauses.length === 0) return null;
  const gate = new Gate();
  gate.open(clauses);
  return gate;
}
