// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { TOKEN_LENGTH_MAX } from './token.ts';

/** Letters of ASCII in upper case, other bytes as they are. */
const UPPER = Uint8Array.from({ length: 256 }, (_, code) => (code >= 0x61 && code <= 0x7a ? code - 0x20 : code));
const SEED = 0x811c9dc5;
const PRIME = 0x01000193;

/** Numbers by word, found in place: cutting words out of values and raising them would cost more than all else. */
export class WordTable {
  readonly #words: string[] = [];
  readonly #numbers: number[] = [];
  /** Open addressing: index of a word plus one, 0 for none. A quarter full at most. */
  readonly #slots: Uint16Array;
  readonly #mask: number;

  /** @param entries  Upper case, at most 31 bytes; numbers above 0. Of a word given twice the first counts. */
  constructor(entries: Iterable<readonly [word: string, number: number]>) {
    const list = [...entries];
    let size = 4;
    while (size < list.length * 4) size *= 2;
    this.#slots = new Uint16Array(size);
    this.#mask = size - 1;
    for (const [word, number] of list) {
      if (this.find(word, 0, word.length) !== 0) continue;
      this.#words.push(word);
      this.#numbers.push(number);
      let slot = hashOf(word, 0, word.length) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = this.#words.length;
    }
  }

  /** The number of the word between two offsets, in any case; 0 for a word it does not hold. */
  find(text: ByteText, start: number, end: number): number {
    if (end - start > TOKEN_LENGTH_MAX) return 0;
    let slot = hashOf(text, start, end) & this.#mask;
    while (true) {
      const index = this.#slots[slot] as number;
      if (index === 0) return 0;
      if (equals(this.#words[index - 1] as string, text, start, end)) return this.#numbers[index - 1] as number;
      slot = (slot + 1) & this.#mask;
    }
  }
}

function hashOf(text: ByteText, start: number, end: number): number {
  let hash = SEED;
  for (let i = start; i < end; i += 1) {
    hash = Math.imul(hash ^ (UPPER[text.charCodeAt(i)] as number), PRIME);
  }
  return hash ^ (hash >>> 15);
}

function equals(word: string, text: ByteText, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i += 1) {
    if (word.charCodeAt(i) !== UPPER[text.charCodeAt(start + i)]) return false;
  }
  return true;
}
