import { sharedInts } from '../../base/shared-numbers.ts';
import { HITS_PER_WORD } from './gate.ts';
import type { LiteralTables, StateTable } from './literal-automaton.ts';

/** The automaton over the literals of a rule set, and the clauses that each of its rows meets. Never changed. */
export interface ScanTables {
  /** As in LiteralTables. */
  readonly next: StateTable;
  readonly firstOutput: number;
  /** Row -> where its words begin in `words` and `bits`; one more than there are rows. */
  readonly starts: Int32Array<SharedArrayBuffer>;
  /** What a row adds to the hits: word and bits. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly bits: Int32Array<SharedArrayBuffer>;
  /** Clauses that there are. */
  readonly count: number;
}

/**
 * @param clauses  Literal -> numbers of the clauses that it meets.
 * @param count    How many clauses there are.
 */
export function scanTables(
  { next, firstOutput, outputStarts, outputs }: LiteralTables,
  clauses: readonly (readonly number[])[],
  count: number,
): ScanTables {
  const starts: number[] = [0];
  const words: number[] = [];
  const bits: number[] = [];
  for (let row = 0; row + 1 < outputStarts.length; row += 1) {
    const sums = new Map<number, number>();
    for (let i = outputStarts[row] as number; i < (outputStarts[row + 1] as number); i += 1) {
      for (const clause of clauses[outputs[i] as number] as readonly number[]) {
        const word = Math.floor(clause / HITS_PER_WORD);
        sums.set(word, (sums.get(word) ?? 0) | (1 << (clause % HITS_PER_WORD)));
      }
    }
    for (const [word, sum] of sums) {
      words.push(word);
      bits.push(sum);
    }
    starts.push(words.length);
  }
  return {
    next,
    firstOutput,
    starts: sharedInts(starts),
    words: sharedInts(words),
    bits: sharedInts(bits),
    count,
  };
}
