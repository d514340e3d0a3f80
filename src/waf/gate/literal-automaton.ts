import { LOWER_BYTES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';

/**
 * Aho-Corasick over all literals of a rule set, every way back worked out: one look-up a byte. States are offsets of
 * rows in `next`; those at whose end literals end come last, from `firstOutput` on. Flat tables, never changed.
 */
export interface LiteralTables {
  /** Byte -> column of a row; both cases of a letter in one; 0 for bytes that are in no literal. */
  readonly columns: Uint8Array;
  /** A row is 2 ** shift entries. */
  readonly shift: number;
  /** State + column -> next state. */
  readonly next: Int32Array;
  readonly firstOutput: number;
  /** Row -> where in `outputs` its list begins; it ends where that of the next row begins. */
  readonly outputStarts: Int32Array;
  /** Numbers of the literals. */
  readonly outputs: Int32Array;
}

/** @param literals  Lower case, none empty, each once; their number is their index. */
export function literalTables(literals: readonly ByteText[]): LiteralTables {
  const bytes = [...new Set(literals.flatMap((literal) => Array.from(literal, (one) => one.charCodeAt(0))))];
  const columns = Uint8Array.from(LOWER_BYTES, (lower) => bytes.indexOf(lower) + 1);
  const shift = Math.ceil(Math.log2(bytes.length + 1));
  const trie = trieOf(literals, columns, shift);
  const ends = trie.ends.slice(0, trie.count);
  // Rows in order of depth, those without literals first: honest text stays in few neighbouring rows.
  const order = [...ends.keys()].sort((a, b) => Math.sign(ends[a]?.length ?? 0) - Math.sign(ends[b]?.length ?? 0));
  const rowOf = new Int32Array(trie.count);
  for (const [row, state] of order.entries()) rowOf[state] = row;
  const next = new Int32Array(trie.count << shift);
  const outputStarts = new Int32Array(trie.count + 1);
  const outputs: number[] = [];
  const width = 1 << shift;
  for (const [row, state] of order.entries()) {
    for (let column = 0; column < width; column += 1) {
      next[row * width + column] = (rowOf[trie.next[state * width + column] as number] as number) * width;
    }
    outputs.push(...(ends[state] as number[]));
    outputStarts[row + 1] = outputs.length;
  }
  const silent = order.findIndex((state) => (ends[state] as number[]).length > 0);
  const firstOutput = (silent === -1 ? trie.count : silent) * width;
  return { columns, shift, next, firstOutput, outputStarts, outputs: Int32Array.from(outputs) };
}

interface Trie {
  readonly count: number;
  /** State times width + column -> next state. */
  readonly next: Int32Array;
  /** State -> literals that end there, those of its ways back too. */
  readonly ends: readonly number[][];
}

function trieOf(literals: readonly ByteText[], columns: Uint8Array, shift: number): Trie {
  const width = 1 << shift;
  const statesMax = 1 + literals.reduce((sum, { length }) => sum + length, 0);
  const next = new Int32Array(statesMax * width);
  const ends: number[][] = [[]];
  for (const [number, literal] of literals.entries()) {
    let state = 0;
    for (let i = 0; i < literal.length; i += 1) {
      const at = state * width + (columns[literal.charCodeAt(i)] as number);
      if (next[at] === 0) {
        next[at] = ends.length;
        ends.push([]);
      }
      state = next[at] as number;
    }
    ends[state]?.push(number);
  }
  closeTrie(next, ends, width);
  return { count: ends.length, next, ends };
}

/** Breadth first: what a state lacks is what its way back has. Row 0 is whole, since it leads to itself. */
function closeTrie(next: Int32Array, ends: number[][], width: number): void {
  const back = new Int32Array(ends.length);
  const queue: number[] = [...next.subarray(0, width)].filter((state) => state !== 0);
  for (let i = 0; i < queue.length; i += 1) {
    const state = queue[i] as number;
    const behind = back[state] as number;
    ends[state]?.push(...(ends[behind] as number[]));
    for (let column = 0; column < width; column += 1) {
      const at = state * width + column;
      const other = next[behind * width + column] as number;
      if (next[at] === 0) {
        next[at] = other;
      } else {
        back[next[at] as number] = other;
        queue.push(next[at] as number);
      }
    }
  }
}
