// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { CollectionBlocks } from './blocks.ts';
import type { CollectionContent } from './content.ts';
import {
  BLOCK_BYTES,
  CHECK,
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
 * Entries of the table, with the blocks they have: see `layout.ts`. Entries are known by their number, from 1; 0 is
 * none.
 *
 * Threads: any number, an instance each; every method is called under the table's lock.
 */
export class CollectionStorage {
  readonly #words: Int32Array;
  readonly #content: CollectionContent;
  readonly #entries: number;
  readonly #blocks: CollectionBlocks;
  readonly #headMask: number;
  readonly #firstEntry: number;

  /** @param content  Where collections are read to and written from. */
  constructor(words: Int32Array, content: CollectionContent) {
    this.#words = words;
    this.#content = content;
    this.#entries = words[ENTRIES] as number;
    const heads = words[HEADS] as number;
    this.#headMask = heads - 1;
    this.#firstEntry = HEADER_WORDS + heads;
    this.#blocks = new CollectionBlocks(words, this.#firstEntry + this.#entries * ENTRY_WORDS);
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
    this.#blocks.write(this.#at(entry) + FIRST, content);
    this.#set(entry, CHECK, content.checksum());
    this.#unlist(entry);
    this.#listAsNewest(entry);
  }

  free(entry: number): void {
    this.#blocks.resize(this.#at(entry) + FIRST, 0);
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
    const taken = new Uint8Array(this.#blocks.count + 1);
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
    for (let block = this.#blocks.count; block > 0; block -= 1) if (taken[block] === 0) this.#blocks.free(block);
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
    return this.#blocks.claim(this.#at(entry) + FIRST, this.#get(entry, LENGTH), taken);
  }

  /** @returns  False for what is torn. */
  #read(entry: number): boolean {
    const content = this.#content;
    const isWhole = this.#blocks.read(this.#at(entry) + FIRST, this.#get(entry, LENGTH), content);
    return isWhole && content.checksum() === this.#get(entry, CHECK);
  }

  #resize(entry: number, count: number, now: number): void {
    const link = this.#at(entry) + FIRST;
    const missing = count - this.#blocks.lengthOf(link);
    // Each that is given up had one block at least.
    for (let given = 0; given < missing && this.#blocks.freeCount < missing; given += 1) {
      if (!this.#makeRoom(entry, now)) break;
    }
    this.#blocks.resize(link, count);
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
}
