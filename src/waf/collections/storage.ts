// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { CollectionContent } from './content.ts';
import {
  BLOCK_BYTES,
  BLOCK_WORDS,
  BLOCKS,
  CHECK,
  CONTENT_BLOCKS_MAX,
  CONTENT_BYTES_MAX,
  ENTRIES,
  ENTRY_WORDS,
  EVICTED,
  FIRST,
  FREE_BLOCK,
  FREE_BLOCKS,
  FREE_ENTRY,
  HEADER_WORDS,
  HEADS,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  LENGTH,
  NEWER,
  NEWEST,
  NEXT,
  OLDER,
  OLDEST,
  TORN,
  UNTIL,
} from './layout.ts';

/** Chains hold one entry on average; one longer than this is torn. */
const CHAIN_MAX = 64;
/** Where room is needed, so many of the oldest are asked whether their time is over before one is given up. */
const ASKED_MAX = 16;
/** Old entries taken away when one is added: what is over is soon gone, and nobody waits for it. */
const RECLAIMED_MAX = 4;
/** A collection was found whose content is not what was written. */
const TORN_ENTRY = -1;

/**
 * Entries and blocks of the table: see `layout.ts`. Entries are known by their number, from 1; 0 is none.
 *
 * Threads: any number, an instance each; every method is called under the table's lock.
 */
export class CollectionStorage {
  readonly #words: Int32Array;
  readonly #content: CollectionContent;
  readonly #entries: number;
  readonly #blocks: number;
  readonly #headMask: number;
  readonly #firstEntry: number;
  readonly #firstBlock: number;

  /** @param content  Where collections are read to and written from. */
  constructor(words: Int32Array, content: CollectionContent) {
    this.#words = words;
    this.#content = content;
    this.#entries = words[ENTRIES] as number;
    this.#blocks = words[BLOCKS] as number;
    const heads = words[HEADS] as number;
    this.#headMask = heads - 1;
    this.#firstEntry = HEADER_WORDS + heads;
    this.#firstBlock = this.#firstEntry + this.#entries * ENTRY_WORDS;
  }

  /**
   * Finds a collection and reads its content.
   *
   * @param now  Seconds: one whose time is over is taken away.
   * @returns  Its entry; 0 when there is none, and then the content means nothing.
   */
  find(high: number, low: number, key: ByteText, now: number): number {
    let entry = this.#find(high, low, key);
    if (entry === TORN_ENTRY) {
      // Its blocks may be another's by now: all is sorted out.
      this.rebuild();
      entry = Math.max(0, this.#find(high, low, key));
    }
    if (entry === 0 || this.#untilOf(entry) > now) return entry;
    this.free(entry);
    return 0;
  }

  /** An entry for a new collection, whose content is still to be written. Makes room where there is none. */
  add(high: number, low: number, now: number): number {
    this.#reclaim(now);
    if (this.#words[FREE_ENTRY] === 0) this.#makeRoom(0, now);
    const entry = this.#words[FREE_ENTRY] as number;
    this.#words[FREE_ENTRY] = this.#get(entry, NEXT);
    this.#set(entry, ID_HIGH, high);
    this.#set(entry, ID_LOW, low);
    this.#set(entry, FIRST, 0);
    this.#chain(entry);
    this.#listAsNewest(entry);
    Atomics.add(this.#words, IN_USE, 1);
    return entry;
  }

  /** Writes the content to an entry, which becomes the newest. @param until  Seconds. */
  write(entry: number, until: number, now: number): void {
    const content = this.#content;
    this.#resize(entry, Math.ceil(content.length / BLOCK_BYTES), now);
    this.#set(entry, LENGTH, content.length);
    this.#set(entry, UNTIL, until | 0);
    let block = this.#get(entry, FIRST);
    for (let at = 0; at < content.length; at += BLOCK_BYTES) {
      const from = at / Int32Array.BYTES_PER_ELEMENT;
      const to = this.#block(block) + 1;
      for (let i = 0; i < BLOCK_WORDS - 1; i += 1) this.#words[to + i] = content.words[from + i] as number;
      block = this.#words[this.#block(block)] as number;
    }
    this.#set(entry, CHECK, content.checksum());
    this.#unlist(entry);
    this.#listAsNewest(entry);
  }

  free(entry: number): void {
    this.#resizeTo(entry, 0);
    this.#set(entry, LENGTH, 0);
    // The link that leads here: a head, or an entry before.
    let link = this.#headOf(this.#get(entry, ID_LOW));
    for (let steps = 0; this.#words[link] !== entry && this.#words[link] !== 0 && steps < CHAIN_MAX; steps += 1) {
      link = this.#at(this.#words[link] as number) + NEXT;
    }
    if (this.#words[link] === entry) this.#words[link] = this.#get(entry, NEXT);
    this.#unlist(entry);
    this.#set(entry, NEXT, this.#words[FREE_ENTRY] as number);
    this.#words[FREE_ENTRY] = entry;
    Atomics.sub(this.#words, IN_USE, 1);
  }

  /** Makes everything but the contents anew from them: a writer may have died amidst. Costs milliseconds. */
  rebuild(): void {
    const words = this.#words;
    words.fill(0, HEADER_WORDS, this.#firstEntry);
    for (const word of [IN_USE, FREE_ENTRY, FREE_BLOCK, FREE_BLOCKS, NEWEST, OLDEST]) words[word] = 0;
    const taken = new Uint8Array(this.#blocks + 1);
    const kept: number[] = [];
    for (let entry = this.#entries; entry > 0; entry -= 1) {
      if (this.#isSound(entry, taken)) {
        this.#chain(entry);
        kept.push(entry);
        continue;
      }
      if (this.#get(entry, LENGTH) !== 0) Atomics.add(words, TORN, 1);
      this.#set(entry, LENGTH, 0);
      this.#set(entry, NEXT, words[FREE_ENTRY] as number);
      words[FREE_ENTRY] = entry;
    }
    for (let block = this.#blocks; block > 0; block -= 1) if (taken[block] === 0) this.#freeBlock(block);
    // To the second that is the order in which they were updated, where all are kept for as long.
    kept.sort((one, other) => this.#untilOf(one) - this.#untilOf(other));
    for (const entry of kept) this.#listAsNewest(entry);
    Atomics.store(words, IN_USE, kept.length);
  }

  #find(high: number, low: number, key: ByteText): number {
    let entry = this.#words[this.#headOf(low)] as number;
    for (let steps = 0; entry !== 0 && steps < CHAIN_MAX; steps += 1) {
      if (this.#get(entry, ID_LOW) === low && this.#get(entry, ID_HIGH) === high) {
        if (!this.#read(entry)) return TORN_ENTRY;
        if (this.#content.isOf(key)) return entry;
      }
      entry = this.#get(entry, NEXT);
    }
    return 0;
  }

  /** @param taken  Gets a mark for each of its blocks, when it is. */
  #isSound(entry: number, taken: Uint8Array): boolean {
    if (!this.#read(entry)) return false;
    const [high, low] = [this.#get(entry, ID_HIGH), this.#get(entry, ID_LOW)];
    // Two that wrote at once may have made an entry each for one key.
    let other = this.#words[this.#headOf(low)] as number;
    for (let steps = 0; other !== 0 && steps < CHAIN_MAX; steps += 1) {
      if (this.#get(other, ID_LOW) === low && this.#get(other, ID_HIGH) === high) return false;
      other = this.#get(other, NEXT);
    }
    const blocks: number[] = [];
    let block = this.#get(entry, FIRST);
    for (let left = this.#get(entry, LENGTH); left > 0; left -= BLOCK_BYTES) {
      if (taken[block] !== 0 || blocks.includes(block)) return false;
      blocks.push(block);
      block = this.#words[this.#block(block)] as number;
    }
    // A last block that leads on would take others with it.
    this.#words[this.#block(blocks.at(-1) as number)] = 0;
    for (const own of blocks) taken[own] = 1;
    return true;
  }

  /** @returns  False for what is torn. */
  #read(entry: number): boolean {
    const content = this.#content;
    const length = this.#get(entry, LENGTH);
    if (length <= 0 || length > CONTENT_BYTES_MAX) return false;
    let block = this.#get(entry, FIRST);
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      if (block <= 0 || block > this.#blocks) return false;
      const from = this.#block(block) + 1;
      const to = at / Int32Array.BYTES_PER_ELEMENT;
      for (let i = 0; i < BLOCK_WORDS - 1; i += 1) content.words[to + i] = this.#words[from + i] as number;
      block = this.#words[this.#block(block)] as number;
    }
    content.length = length;
    return content.checksum() === this.#get(entry, CHECK);
  }

  #resize(entry: number, count: number, now: number): void {
    const missing = count - this.#blocksOf(entry);
    // Each that is given up had one block at least.
    for (let given = 0; given < missing && (this.#words[FREE_BLOCKS] as number) < missing; given += 1) {
      if (!this.#makeRoom(entry, now)) break;
    }
    this.#resizeTo(entry, count);
  }

  #blocksOf(entry: number): number {
    let count = 0;
    for (let block = this.#get(entry, FIRST); block !== 0 && count < CONTENT_BLOCKS_MAX; count += 1) {
      block = this.#words[this.#block(block)] as number;
    }
    return count;
  }

  /** Gives an entry so many blocks; there are enough. */
  #resizeTo(entry: number, count: number): void {
    const words = this.#words;
    let link = this.#at(entry) + FIRST;
    for (let have = 0; have < count; have += 1) {
      if (words[link] === 0) {
        const block = words[FREE_BLOCK] as number;
        words[FREE_BLOCK] = words[this.#block(block)] as number;
        words[FREE_BLOCKS] = (words[FREE_BLOCKS] as number) - 1;
        words[this.#block(block)] = 0;
        words[link] = block;
      }
      link = this.#block(words[link] as number);
    }
    let surplus = words[link] as number;
    words[link] = 0;
    for (let steps = 0; surplus !== 0 && steps < CONTENT_BLOCKS_MAX; steps += 1) {
      const next = words[this.#block(surplus)] as number;
      this.#freeBlock(surplus);
      surplus = next;
    }
  }

  #freeBlock(block: number): void {
    const words = this.#words;
    words[this.#block(block)] = words[FREE_BLOCK] as number;
    words[FREE_BLOCK] = block;
    words[FREE_BLOCKS] = (words[FREE_BLOCKS] as number) + 1;
  }

  #reclaim(now: number): void {
    for (let count = 0; count < RECLAIMED_MAX; count += 1) {
      const oldest = this.#words[OLDEST] as number;
      if (oldest === 0 || this.#untilOf(oldest) > now) return;
      this.free(oldest);
    }
  }

  /** Takes one away whose time is over, else the one updated longest ago. @param kept  Never this one. */
  #makeRoom(kept: number, now: number): boolean {
    let chosen = 0;
    let entry = this.#words[OLDEST] as number;
    for (let asked = 0; entry !== 0 && asked < ASKED_MAX; asked += 1) {
      if (entry !== kept) {
        const isOver = this.#untilOf(entry) <= now;
        if (chosen === 0 || isOver) chosen = entry;
        if (isOver) break;
      }
      entry = this.#get(entry, NEWER);
    }
    if (chosen === 0) return false;
    if (this.#untilOf(chosen) > now) Atomics.add(this.#words, EVICTED, 1);
    this.free(chosen);
    return true;
  }

  #chain(entry: number): void {
    const head = this.#headOf(this.#get(entry, ID_LOW));
    this.#set(entry, NEXT, this.#words[head] as number);
    this.#words[head] = entry;
  }

  #listAsNewest(entry: number): void {
    const newest = this.#words[NEWEST] as number;
    this.#set(entry, NEWER, 0);
    this.#set(entry, OLDER, newest);
    if (newest === 0) this.#words[OLDEST] = entry;
    else this.#set(newest, NEWER, entry);
    this.#words[NEWEST] = entry;
  }

  #unlist(entry: number): void {
    const [newer, older] = [this.#get(entry, NEWER), this.#get(entry, OLDER)];
    if (newer === 0) this.#words[NEWEST] = older;
    else this.#set(newer, OLDER, older);
    if (older === 0) this.#words[OLDEST] = newer;
    else this.#set(older, NEWER, newer);
  }

  #headOf(low: number): number {
    return HEADER_WORDS + (low & this.#headMask);
  }

  #untilOf(entry: number): number {
    return this.#get(entry, UNTIL) >>> 0;
  }

  #get(entry: number, word: number): number {
    return this.#words[this.#at(entry) + word] as number;
  }

  #set(entry: number, word: number, value: number): void {
    this.#words[this.#at(entry) + word] = value;
  }

  #at(entry: number): number {
    return this.#firstEntry + (entry - 1) * ENTRY_WORDS;
  }

  #block(block: number): number {
    return this.#firstBlock + (block - 1) * BLOCK_WORDS;
  }
}
