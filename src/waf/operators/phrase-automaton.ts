// hot path: synchronous, never throws
import { LOWER_BYTES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';

/** 64 KiB of rows at most: those of the first thousand states where phrases are of few different bytes. */
const ROW_ENTRIES_MAX = 16_384;

/**
 * Phrases to look for all at once, ASCII case ignored: Aho-Corasick over bytes. Finds the phrase that ends first, of
 * those that end at one byte the longest. Linear in the text, whatever the phrases.
 *
 * States are numbered breadth first, so that the children of one are neighbours: a state is a first child, a byte, a
 * way back and a phrase, 13 bytes. The first of them, where nearly all steps of honest text begin and end, have a row
 * each instead, in which the way back is worked out. Nothing is kept below the end of a phrase.
 *
 * Source: Aho and Corasick, Efficient string matching: an aid to bibliographic search, 1975.
 */
export class PhraseAutomaton {
  readonly #phrases: readonly ByteText[];
  /** State -> its first child; those of the next state begin where its own end. */
  readonly #firstChild: Int32Array;
  /** State -> the byte, in lower case, that leads to it. */
  readonly #byte: Uint8Array;
  /** State -> the longest other state that ends alike. */
  readonly #back: Int32Array;
  /** State -> index of the phrase that ends there, -1 for none. */
  readonly #ends: Int32Array;
  /** Byte -> its column: one for each that is in a phrase, both cases of a letter in one; 0 for all others. */
  readonly #column: Uint8Array;
  readonly #columnCount: number;
  /** State below `rowCount` and column -> next state. */
  readonly #rows: Int32Array;
  readonly #rowCount: number;

  /** @param phrases  Empty ones are left out. The first of those that differ by case only is the one that is found. */
  constructor(phrases: readonly ByteText[]) {
    this.#phrases = phrases;
    const trie = trieOf(phrases);
    this.#firstChild = trie.firstChild;
    this.#byte = trie.byte;
    this.#back = trie.back;
    this.#ends = trie.ends;
    // At most 230 different ones, since upper case is none.
    const bytes = [...new Set(this.#byte.subarray(1))];
    this.#column = Uint8Array.from(LOWER_BYTES, (lower) => bytes.indexOf(lower) + 1);
    this.#columnCount = bytes.length + 1;
    this.#rowCount = Math.min(this.#byte.length, Math.ceil(ROW_ENTRIES_MAX / this.#columnCount));
    this.#rows = this.#filledRows();
  }

  /** Memory of the tables, bytes; the phrases themselves come on top. */
  get tableBytes(): number {
    const tables = [this.#firstChild, this.#byte, this.#back, this.#ends, this.#column, this.#rows];
    return tables.reduce((sum, table) => sum + table.byteLength, 0);
  }

  /** @returns  The phrase as it was given; null where none occurs. */
  find(text: ByteText): ByteText | null {
    const rows = this.#rows;
    const rowCount = this.#rowCount;
    const ends = this.#ends;
    const column = this.#column;
    const columnCount = this.#columnCount;
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const byte = text.charCodeAt(i) & 0xff;
      state =
        state < rowCount
          ? (rows[state * columnCount + (column[byte] as number)] as number)
          : this.#step(state, LOWER_BYTES[byte] as number);
      if ((ends[state] as number) !== -1) return this.#phrases[ends[state] as number] as ByteText;
    }
    return null;
  }

  #step(from: number, byte: number): number {
    let state = from;
    while (state >= this.#rowCount) {
      const child = this.#child(state, byte);
      if (child !== -1) return child;
      state = this.#back[state] as number;
    }
    return this.#rows[state * this.#columnCount + (this.#column[byte] as number)] as number;
  }

  #child(state: number, byte: number): number {
    const end = this.#firstChild[state + 1] as number;
    for (let child = this.#firstChild[state] as number; child < end; child += 1) {
      if (this.#byte[child] === byte) return child;
    }
    return -1;
  }

  #filledRows(): Int32Array {
    const width = this.#columnCount;
    const rows = new Int32Array(this.#rowCount * width);
    for (let state = 0; state < this.#rowCount; state += 1) {
      // A way back leads to a lower number: its row is whole.
      const back = (this.#back[state] as number) * width;
      if (state > 0) rows.copyWithin(state * width, back, back + width);
      const end = this.#firstChild[state + 1] as number;
      for (let child = this.#firstChild[state] as number; child < end; child += 1) {
        rows[state * width + (this.#column[this.#byte[child] as number] as number)] = child;
      }
    }
    return rows;
  }
}

interface Trie {
  readonly firstChild: Int32Array;
  readonly byte: Uint8Array;
  readonly back: Int32Array;
  readonly ends: Int32Array;
}

/** Breadth first over the sorted phrases: a state is the run of those that begin with its text. */
function trieOf(phrases: readonly ByteText[]): Trie {
  const sorted = phrases
    .map((phrase, index) => ({ text: lowerText(phrase), index }))
    .filter(({ text }) => text !== '')
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : a.index - b.index));
  const statesMax = 1 + sorted.reduce((sum, { text }) => sum + text.length, 0);
  const firstChild = new Int32Array(statesMax + 1);
  const byte = new Uint8Array(statesMax);
  const back = new Int32Array(statesMax);
  const ends = new Int32Array(statesMax).fill(-1);
  const depth = new Int32Array(statesMax);
  // The run of each state: sorted[from[state]] up to, not including, sorted[to[state]].
  const from = new Int32Array(statesMax);
  const to = new Int32Array(statesMax);
  to[0] = sorted.length;
  let count = 1;
  const childOf = (state: number, wanted: number): number => {
    for (let child = firstChild[state] as number; child < (firstChild[state + 1] as number); child += 1) {
      if (byte[child] === wanted) return child;
    }
    return -1;
  };
  for (let state = 0; state < count; state += 1) {
    firstChild[state] = count;
    if (ends[state] !== -1) continue;
    const at = depth[state] as number;
    for (let i = from[state] as number; i < (to[state] as number); ) {
      const code = sorted[i]?.text.charCodeAt(at) as number;
      const child = count;
      count += 1;
      byte[child] = code;
      depth[child] = at + 1;
      from[child] = i;
      const { text, index } = sorted[i] as { text: string; index: number };
      while (i < (to[state] as number) && sorted[i]?.text.charCodeAt(at) === code) i += 1;
      to[child] = i;
      // The shortest of a run comes first.
      if (text.length === at + 1) ends[child] = index;
      if (state === 0) continue;
      // States above are complete: the way back of a child is the child of a way back.
      let other = back[state] as number;
      let target = childOf(other, code);
      while (target === -1 && other !== 0) {
        other = back[other] as number;
        target = childOf(other, code);
      }
      back[child] = Math.max(target, 0);
      if (ends[child] === -1) ends[child] = ends[back[child] as number] as number;
    }
    firstChild[state + 1] = count;
  }
  firstChild[count] = count;
  return {
    firstChild: firstChild.slice(0, count + 1),
    byte: byte.slice(0, count),
    back: back.slice(0, count),
    ends: ends.slice(0, count),
  };
}

function lowerText(text: ByteText): ByteText {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
