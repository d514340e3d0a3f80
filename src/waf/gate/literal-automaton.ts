import type { ByteText } from '../../base/byte-text.ts';
import { KIND_BITS, KINDS } from './folded-bytes.ts';

/**
 * Aho-Corasick over all literals of a rule set, every way back worked out: one look-up a byte. States are rows of
 * `next`; those at whose end literals end come last, from `firstOutput` on. Flat tables, never changed.
 */
export interface LiteralTables {
  /** State times 2 ** KIND_BITS + kind of a byte -> next state. Of 16 bits where that is enough: caches are small. */
  readonly next: StateTable;
  readonly firstOutput: number;
  /** Row -> where in `outputs` its list begins; it ends where that of the next row begins. */
  readonly outputStarts: Int32Array;
  /** Numbers of the literals. */
  readonly outputs: Int32Array;
}

export type StateTable = Uint16Array<SharedArrayBuffer> | Int32Array<SharedArrayBuffer>;

/** Entries of a row. */
const WIDTH = 2 ** KIND_BITS;

/** @param literals  Folded, none empty, each once; their number is their index. */
export function literalTables(literals: readonly ByteText[]): LiteralTables {
  const trie = trieOf(literals);
  const ends = trie.ends.slice(0, trie.count);
  // Rows in order of depth, those without literals first: honest text stays in few neighbouring rows.
  const order = [...ends.keys()].sort((a, b) => Math.sign(ends[a]?.length ?? 0) - Math.sign(ends[b]?.length ?? 0));
  const rowOf = new Int32Array(trie.count);
  for (const [row, state] of order.entries()) rowOf[state] = row;
  const next = stateTable(trie.count);
  const outputStarts = new Int32Array(trie.count + 1);
  const outputs: number[] = [];
  for (const [row, state] of order.entries()) {
    for (let kind = 0; kind < WIDTH; kind += 1) {
      next[row * WIDTH + kind] = rowOf[trie.next[state * WIDTH + kind] as number] as number;
    }
    outputs.push(...(ends[state] as number[]));
    outputStarts[row + 1] = outputs.length;
  }
  const silent = order.findIndex((state) => (ends[state] as number[]).length > 0);
  const firstOutput = silent === -1 ? trie.count : silent;
  return { next, firstOutput, outputStarts, outputs: Int32Array.from(outputs) };
}

function stateTable(states: number): StateTable {
  const entries = states * WIDTH;
  return states <= 2 ** 16
    ? new Uint16Array(new SharedArrayBuffer(entries * Uint16Array.BYTES_PER_ELEMENT))
    : new Int32Array(new SharedArrayBuffer(entries * Int32Array.BYTES_PER_ELEMENT));
}

interface Trie {
  readonly count: number;
  /** State times WIDTH + kind -> next state. */
  readonly next: Int32Array;
  /** State -> literals that end there, those of its ways back too. */
  readonly ends: readonly number[][];
}

function trieOf(literals: readonly ByteText[]): Trie {
  const statesMax = 1 + literals.reduce((sum, { length }) => sum + length, 0);
  const next = new Int32Array(statesMax * WIDTH);
  const ends: number[][] = [[]];
  for (const [number, literal] of literals.entries()) {
    let state = 0;
    for (let i = 0; i < literal.length; i += 1) {
      const at = state * WIDTH + (KINDS[literal.charCodeAt(i)] as number);
      if (next[at] === 0) {
        next[at] = ends.length;
        ends.push([]);
      }
      state = next[at] as number;
    }
    ends[state]?.push(number);
  }
  closeTrie(next, ends);
  return { count: ends.length, next, ends };
}

/** Breadth first: what a state lacks is what its way back has. Row 0 is whole, since it leads to itself. */
function closeTrie(next: Int32Array, ends: number[][]): void {
  const back = new Int32Array(ends.length);
  const queue: number[] = [...next.subarray(0, WIDTH)].filter((state) => state !== 0);
  for (let i = 0; i < queue.length; i += 1) {
    const state = queue[i] as number;
    const behind = back[state] as number;
    ends[state]?.push(...(ends[behind] as number[]));
    for (let kind = 0; kind < WIDTH; kind += 1) {
      const at = state * WIDTH + kind;
      const other = next[behind * WIDTH + kind] as number;
      if (next[at] === 0) {
        next[at] = other;
      } else {
        back[next[at] as number] = other;
        queue.push(next[at] as number);
      }
    }
  }
}
