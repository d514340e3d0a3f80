// hot path: synchronous, never throws
import type { CollectionContent } from './content.ts';
import {
  BLOCK_BYTES,
  BLOCK_WORDS,
  BLOCKS,
  CONTENT_BLOCKS_MAX,
  CONTENT_BYTES_MAX,
  FREE_BLOCK,
  FREE_BLOCKS,
} from './layout.ts';

/** Words of content in a block. */
const BLOCK_CONTENT = BLOCK_WORDS - 1;

/**
 * Runs of blocks, and the free ones: see `layout.ts`. Blocks are known by their number, from 1; 0 is none. A run begins
 * at a link: the word that holds the number of its first block.
 *
 * Threads: any number, an instance each; every method is called under the table's lock.
 */
export class CollectionBlocks {
  readonly count: number;
  readonly #words: Int32Array;
  readonly #first: number;

  /** @param first  Word at which the blocks begin. */
  constructor(words: Int32Array, first: number) {
    this.#words = words;
    this.#first = first;
    this.count = words[BLOCKS] as number;
  }

  get freeCount(): number {
    return this.#words[FREE_BLOCKS] as number;
  }

  /** @returns  Blocks of the run. */
  lengthOf(link: number): number {
    let count = 0;
    for (let block = this.#words[link] as number; block !== 0 && count < CONTENT_BLOCKS_MAX; count += 1) {
      block = this.#next(block);
    }
    return count;
  }

  /** Makes a run as long as that; there are blocks enough. */
  resize(link: number, count: number): void {
    const words = this.#words;
    let last = link;
    for (let have = 0; have < count; have += 1) {
      if (words[last] === 0) words[last] = this.#take();
      last = this.#at(words[last] as number);
    }
    let surplus = words[last] as number;
    words[last] = 0;
    for (let steps = 0; surplus !== 0 && steps < CONTENT_BLOCKS_MAX; steps += 1) {
      const next = this.#next(surplus);
      this.free(surplus);
      surplus = next;
    }
  }

  free(block: number): void {
    const words = this.#words;
    words[this.#at(block)] = words[FREE_BLOCK] as number;
    words[FREE_BLOCK] = block;
    words[FREE_BLOCKS] = (words[FREE_BLOCKS] as number) + 1;
  }

  /** Writes the content to a run that is long enough. */
  write(link: number, content: CollectionContent): void {
    let block = this.#words[link] as number;
    for (let at = 0; at << 2 < content.length; at += BLOCK_CONTENT) {
      const to = this.#at(block) + 1;
      for (let i = 0; i < BLOCK_CONTENT; i += 1) this.#words[to + i] = content.words[at + i] as number;
      block = this.#next(block);
    }
  }

  /** Reads so many bytes. @returns  False where the run is not that long: it is torn. */
  read(link: number, length: number, content: CollectionContent): boolean {
    if (length <= 0 || length > CONTENT_BYTES_MAX) return false;
    let block = this.#words[link] as number;
    for (let at = 0; at << 2 < length; at += BLOCK_CONTENT) {
      if (block <= 0 || block > this.count) return false;
      const from = this.#at(block) + 1;
      for (let i = 0; i < BLOCK_CONTENT; i += 1) content.words[at + i] = this.#words[from + i] as number;
      block = this.#next(block);
    }
    content.length = length;
    return true;
  }

  /**
   * Marks the blocks of a run that can be read, and ends it behind them.
   *
   * @param taken  1 for each block of another.
   * @returns  False, and no mark, where one of them is another's or comes twice.
   */
  claim(link: number, length: number, taken: Uint8Array): boolean {
    const own: number[] = [];
    let block = this.#words[link] as number;
    for (let left = length; left > 0; left -= BLOCK_BYTES) {
      if (taken[block] !== 0 || own.includes(block)) return false;
      own.push(block);
      block = this.#next(block);
    }
    for (const claimed of own) taken[claimed] = 1;
    this.#words[this.#at(own.at(-1) as number)] = 0;
    return true;
  }

  #take(): number {
    const words = this.#words;
    const block = words[FREE_BLOCK] as number;
    words[FREE_BLOCK] = this.#next(block);
    words[FREE_BLOCKS] = (words[FREE_BLOCKS] as number) - 1;
    words[this.#at(block)] = 0;
    return block;
  }

  #next(block: number): number {
    return this.#words[this.#at(block)] as number;
  }

  #at(block: number): number {
    return this.#first + (block - 1) * BLOCK_WORDS;
  }
}
