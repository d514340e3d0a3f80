import type { ByteText } from '../../base/byte-text.ts';
import { sharedBytes, sharedInts } from '../../base/shared-numbers.ts';
import { groupsOf } from './byte-groups.ts';
import type { Clause } from './clauses.ts';
import { HITS_PER_WORD } from './gate.ts';
import { literalTables } from './literal-automaton.ts';
import { type ScanTables, scanTables } from './scan-tables.ts';

/**
 * What gates of a rule set are made of, in shared memory: built by one thread, taken by all, never changed. Numbers of
 * clauses mean something within one of these only: what scans values and what gates ask for come from the same.
 */
export interface GateTables {
  /** Key of an operator -> its row in `starts`. */
  readonly operators: ReadonlyMap<string, number>;
  /** Row -> where in `clauses` its list begins; it ends where that of the next row begins. */
  readonly starts: Int32Array<SharedArrayBuffer>;
  /** As Gate.open takes them. */
  readonly clauses: Int32Array<SharedArrayBuffer>;
  readonly scan: ScanTables;
  /** Row -> where in `patterns` its operator's translated parameter begins: nothing where it has none. */
  readonly patternStarts: Int32Array<SharedArrayBuffer>;
  readonly patterns: Uint8Array<SharedArrayBuffer>;
}

/** One operator. */
export interface OperatorNeeds {
  readonly clauses: readonly Clause[];
  /** As OperatorWord.translate gives it; '' for none. */
  readonly translated: ByteText;
}

/** @param needs  By key of the operator. */
export function gateTables(needs: ReadonlyMap<string, OperatorNeeds>): GateTables {
  /** Literal -> the clauses that it meets. */
  const literals = new Map<ByteText, number[]>();
  const numbers = new Map<string, number>();
  const numberOf = (texts: readonly ByteText[]): number => {
    const key = texts.toSorted().map(encodeURIComponent).join(' ');
    const known = numbers.get(key);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(key, number);
    for (const text of texts) {
      const met = literals.get(text);
      if (met === undefined) literals.set(text, [number]);
      else met.push(number);
    }
    return number;
  };
  const operators = new Map<string, number>();
  const starts = [0];
  const triples: number[] = [];
  for (const [key, { clauses }] of needs) {
    operators.set(key, operators.size);
    for (const { literals: texts, bytes } of clauses) {
      const groups = bytes === null ? 0 : groupsOf(bytes);
      if (texts.length === 0) {
        triples.push(0, 0, groups);
        continue;
      }
      const number = numberOf(texts);
      triples.push(Math.floor(number / HITS_PER_WORD), 1 << (number % HITS_PER_WORD), groups);
    }
    starts.push(triples.length);
  }
  const texts = [...needs.values()].map(({ translated }) => translated);
  const patternStarts = [0];
  for (const { length } of texts) patternStarts.push((patternStarts.at(-1) as number) + length);
  const automaton = literalTables([...literals.keys()]);
  return {
    operators,
    starts: sharedInts(starts),
    clauses: sharedInts(triples),
    scan: scanTables(automaton, [...literals.values()], numbers.size),
    patternStarts: sharedInts(patternStarts),
    patterns: sharedBytes(texts.join('')),
  };
}

/** The translated parameter of an operator; null where there is none. */
export function patternIn({ operators, patternStarts, patterns }: GateTables, key: string): ByteText | null {
  const row = operators.get(key);
  if (row === undefined) return null;
  const [from, to] = [patternStarts[row] as number, patternStarts[row + 1] as number];
  return from === to ? null : Buffer.from(patterns.buffer, from, to - from).toString('latin1');
}

/** The clauses of an operator, none where nothing is known of it; undefined for one that is not in the tables. */
export function clausesIn({ operators, starts, clauses }: GateTables, key: string): readonly number[] | undefined {
  const row = operators.get(key);
  return row === undefined ? undefined : [...clauses.subarray(starts[row], starts[row + 1])];
}
