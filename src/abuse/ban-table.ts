// hot path: synchronous, never throws
import { TableLock } from '../base/table-lock.ts';
import { type BanHeap, heapOf } from './ban-heap.ts';
import {
  ENDS,
  FREE_LIST,
  HEADER_WORDS,
  HEADS,
  HEAP_AT,
  ID_HIGH,
  ID_LOW,
  IN_USE,
  LOCK,
  MADE_ROOM,
  NEXT,
  ON_THE_WAY,
  REMEMBERED,
  SLOT_WORDS,
  SLOTS,
  STRIKES,
  TAKEN_LOCKS,
  TICK_MS,
  UNTOLD,
  VERSION,
} from './layout.ts';

/** How long bans last; see `BanRuleSettings`. */
export interface BanTerms {
  /** First ban; each further one lasts twice as long as the one before. */
  readonly banMs: number;
  readonly banMsMax: number;
  /** Without a ban for so long, the next one is a first one again. */
  readonly forgetMs: number;
  /** A key is kept at least so long after its ban ended, so that its failures of before are not counted again. */
  readonly windowMs: number;
}

/** A look repeats while others write; past this it takes what it saw, which can miss a ban but never invents one. */
const LOOKS_MAX = 16;
/** Chains hold one slot on average; longer ones than this exist only while one is torn by a writer. */
const CHAIN_MAX = 64;
/** Some 10 MB of messages, and a fraction of a second of work: whoever makes bans faster must not fill the memory. */
export const ON_THE_WAY_MAX = 16_384;

/**
 * Who is banned, by the 64-bit hash of a key: see `layout.ts`.
 *
 * What `ban` and `read` find out beside their answer is left in fields, since an object for it would be garbage.
 *
 * Threads: any number, an instance each. `leftMs` and `epochOf` take no lock and allocate nothing; the others lock.
 */
export class BanTable {
  /** After `ban` and `read`: bans in a row, this one included. */
  strikes = 0;
  /** After `ban` and `read`: until the ban ends; 0 when it has. */
  leftForMs = 0;
  /** After `ban` and `read`: until the strikes are forgotten. */
  rememberedForMs = 0;
  /** After `ban`: whether another key made room, and which. */
  madeRoom = false;
  madeRoomHigh = 0;
  madeRoomLow = 0;
  readonly words: Int32Array;
  readonly #lock: TableLock;
  readonly #heap: BanHeap;
  readonly #slots: number;
  readonly #headMask: number;
  readonly #firstSlot: number;

  /** @param words  From `createBanWords`. */
  constructor(words: Int32Array) {
    this.words = words;
    this.#slots = words[SLOTS] as number;
    const heads = words[HEADS] as number;
    this.#headMask = heads - 1;
    this.#firstSlot = HEADER_WORDS + heads + this.#slots;
    this.#heap = heapOf(words, HEADER_WORDS + heads, this.#firstSlot);
    this.#lock = new TableLock(words, LOCK, () => this.#rebuild());
  }

  /** Bans the table has room for. */
  get capacity(): number {
    return this.#slots;
  }

  /** Slots in use: running bans, and ended ones whose strikes are remembered. */
  get inUse(): number {
    return Atomics.load(this.words, IN_USE);
  }

  /** Running bans that were given up because the table was full. */
  get evicted(): number {
    return Atomics.load(this.words, MADE_ROOM) >>> 0;
  }

  /** Locks taken from threads that did not give them back: one that died, or was held up for a second. */
  get takenLocks(): number {
    return Atomics.load(this.words, TAKEN_LOCKS) >>> 0;
  }

  /** Bans that work and that the main thread was not told of. */
  get untold(): number {
    return Atomics.load(this.words, UNTOLD) >>> 0;
  }

  /** @returns  True when the main thread may be told of one more ban; each is followed by a `heard` there. */
  announce(): boolean {
    const { words } = this;
    if (Atomics.add(words, ON_THE_WAY, 1) < ON_THE_WAY_MAX) return true;
    Atomics.sub(words, ON_THE_WAY, 1);
    Atomics.add(words, UNTOLD, 1);
    return false;
  }

  heard(): void {
    // Below zero: what was on its way was given up before.
    if (Atomics.sub(this.words, ON_THE_WAY, 1) <= 0) Atomics.store(this.words, ON_THE_WAY, 0);
  }

  /** Nothing came for a while: what was on its way ended with its thread. */
  giveUpWaiting(): void {
    Atomics.store(this.words, ON_THE_WAY, 0);
  }

  /**
   * @param high, low  Hash of the key.
   * @param steadyMs   Steady clock, milliseconds.
   * @returns  Milliseconds (> 0) until the ban ends, or 0 when there is none.
   */
  leftMs(high: number, low: number, steadyMs: number): number {
    if (this.words[IN_USE] === 0) return 0;
    const ends = this.#endOf(idOf(high), low | 0);
    return ends === null ? 0 : leftOf(ends, steadyMs);
  }

  /**
   * Tells apart what was counted before and after a ban: failures are counted under the key and this number, so that
   * every ban, and every lift, starts the count from zero.
   *
   * @returns  Another number after each ban and each lift of the key; 0 when nothing is known of it.
   */
  epochOf(high: number, low: number): number {
    if (this.words[IN_USE] === 0) return 0;
    return this.#endOf(idOf(high), low | 0) ?? 0;
  }

  /**
   * Bans a key, unless it is banned: of all threads that want to at the same time one does.
   *
   * @returns  True when this call made the ban.
   */
  ban(high: number, low: number, terms: BanTerms, steadyMs: number): boolean {
    const id = idOf(high);
    this.#lock.enter();
    const known = this.#find(id, low | 0);
    if (known !== -1 && this.#left(known, steadyMs) > 0) {
      this.#lock.leave();
      return false;
    }
    const rests = known === -1 ? Number.POSITIVE_INFINITY : -msUntil(this.words[known + ENDS] as number, steadyMs);
    this.strikes = rests <= terms.forgetMs ? Math.max(0, this.words[known + STRIKES] as number) + 1 : 1;
    this.leftForMs = banLength(terms, this.strikes);
    this.rememberedForMs = this.leftForMs + rememberedAfterMs(terms);
    this.#put(known, id, low | 0, steadyMs);
    this.#lock.leave();
    return true;
  }

  /**
   * Writes a ban as it is known from elsewhere: a file, an operator, another machine. What the table knows of the key
   * is replaced.
   *
   * @param leftMs        Until the ban ends; 0 or less for one that has ended so long ago.
   * @param rememberedMs  Until its strikes are forgotten, > 0.
   */
  set(high: number, low: number, leftMs: number, rememberedMs: number, strikes: number, steadyMs: number): void {
    this.#lock.enter();
    this.strikes = strikes;
    this.leftForMs = leftMs;
    this.rememberedForMs = rememberedMs;
    this.#put(this.#find(idOf(high), low | 0), idOf(high), low | 0, steadyMs);
    this.#lock.leave();
  }

  /** @returns  False when nothing is known of the key; else the fields say what. */
  read(high: number, low: number, steadyMs: number): boolean {
    this.#lock.enter();
    const slot = this.#find(idOf(high), low | 0);
    if (slot !== -1) {
      this.strikes = this.words[slot + STRIKES] as number;
      this.leftForMs = this.#left(slot, steadyMs);
      this.rememberedForMs = Math.max(0, msUntil(this.words[slot + REMEMBERED] as number, steadyMs));
    }
    this.#lock.leave();
    return slot !== -1;
  }

  /**
   * Frees slots whose strikes are forgotten.
   *
   * @param from   First slot to look at.
   * @param count  How many: a thousand take some 10 us.
   * @returns  The slot to go on with.
   */
  sweep(from: number, count: number, steadyMs: number): number {
    const end = Math.min(this.#slots, from + count);
    for (let number = from; number < end; number += 1) {
      const slot = this.#firstSlot + number * SLOT_WORDS;
      if (!this.#isForgotten(slot, steadyMs)) continue;
      this.#lock.enter();
      if (this.#isForgotten(slot, steadyMs)) this.#free(slot);
      this.#lock.leave();
    }
    return end === this.#slots ? 0 : end;
  }

  #isForgotten(slot: number, steadyMs: number): boolean {
    const { words } = this;
    return words[slot + ID_HIGH] !== 0 && msUntil(words[slot + REMEMBERED] as number, steadyMs) <= 0;
  }

  /** @returns  The tick at which the key's ban ends or ended, or null. */
  #endOf(id: number, low: number): number | null {
    const { words } = this;
    for (let looks = 1; ; looks += 1) {
      const version = Atomics.load(words, VERSION);
      const slot = this.#find(id, low);
      const ends = slot === -1 ? null : Atomics.load(words, slot + ENDS);
      const isSame = slot === -1 || (Atomics.load(words, slot + ID_HIGH) === id && words[slot + ID_LOW] === low);
      if ((version & 1) === 0 && Atomics.load(words, VERSION) === version) return ends;
      if (looks >= LOOKS_MAX) return isSame ? ends : null;
    }
  }

  #find(id: number, low: number): number {
    const { words } = this;
    let next = words[this.#headOf(low)] as number;
    for (let steps = 0; next !== 0 && steps < CHAIN_MAX; steps += 1) {
      const slot = this.#firstSlot + (next - 1) * SLOT_WORDS;
      if (words[slot + ID_LOW] === low && words[slot + ID_HIGH] === id) return slot;
      next = words[slot + NEXT] as number;
    }
    return -1;
  }

  #headOf(low: number): number {
    return HEADER_WORDS + (low & this.#headMask);
  }

  #left(slot: number, steadyMs: number): number {
    return leftOf(this.words[slot + ENDS] as number, steadyMs);
  }

  /** Writes what the fields say about a key. Under the lock. @param known  Its slot, or -1. */
  #put(known: number, id: number, low: number, steadyMs: number): void {
    const { words } = this;
    this.madeRoom = false;
    let slot = known;
    if (slot === -1) {
      if (words[FREE_LIST] === 0) this.#makeRoom(steadyMs);
      slot = this.#take();
    }
    words[slot + REMEMBERED] = tickAfter(steadyMs, this.rememberedForMs);
    words[slot + STRIKES] = this.strikes;
    Atomics.store(words, slot + ENDS, this.#newEnd(words[slot + ENDS] as number, steadyMs));
    if (known !== -1) {
      this.#heap.moved(slot);
      return;
    }
    this.#heap.add(slot);
    this.#link(slot, low);
    Atomics.store(words, slot + ID_LOW, low);
    Atomics.store(words, slot + ID_HIGH, id);
  }

  /** An end that has passed must be another number than the one before: see `epochOf`. */
  #newEnd(before: number, steadyMs: number): number {
    if (this.leftForMs > 0) return tickAfter(steadyMs, this.leftForMs);
    const ended = Math.floor((steadyMs + this.leftForMs) / TICK_MS) | 0;
    return ended === before ? (ended - 1) | 0 : ended;
  }

  #link(slot: number, low: number): void {
    const { words } = this;
    const head = this.#headOf(low);
    words[slot + NEXT] = words[head] as number;
    Atomics.store(words, head, this.#number(slot) + 1);
  }

  #take(): number {
    const { words } = this;
    const slot = this.#firstSlot + ((words[FREE_LIST] as number) - 1) * SLOT_WORDS;
    words[FREE_LIST] = words[slot + NEXT] as number;
    return slot;
  }

  /** Gives up the ban that ends first, or ended first. */
  #makeRoom(steadyMs: number): void {
    const { words } = this;
    const slot = this.#heap.first();
    this.madeRoom = true;
    this.madeRoomHigh = words[slot + ID_HIGH] as number;
    this.madeRoomLow = words[slot + ID_LOW] as number;
    if (this.#left(slot, steadyMs) > 0) Atomics.add(words, MADE_ROOM, 1);
    this.#free(slot);
  }

  #free(slot: number): void {
    const { words } = this;
    const number = this.#number(slot) + 1;
    // The link that leads here: a head, or a slot before.
    let link = this.#headOf(words[slot + ID_LOW] as number);
    for (let steps = 0; words[link] !== number && steps < CHAIN_MAX; steps += 1) {
      if (words[link] === 0) break;
      link = this.#firstSlot + ((words[link] as number) - 1) * SLOT_WORDS + NEXT;
    }
    if (words[link] === number) Atomics.store(words, link, words[slot + NEXT] as number);
    Atomics.store(words, slot + ID_HIGH, 0);
    Atomics.store(words, slot + ID_LOW, 0);
    this.#heap.remove(slot);
    words[slot + NEXT] = words[FREE_LIST] as number;
    words[FREE_LIST] = number;
  }

  #number(slot: number): number {
    return (slot - this.#firstSlot) / SLOT_WORDS;
  }

  /** Makes chains, heap and free list anew from the slots: their last writer may have died amidst. Under the lock. */
  #rebuild(): void {
    const { words } = this;
    words.fill(0, HEADER_WORDS, HEADER_WORDS + this.#headMask + 1);
    words[FREE_LIST] = 0;
    this.#heap.clear();
    for (let number = this.#slots - 1; number >= 0; number -= 1) {
      const slot = this.#firstSlot + number * SLOT_WORDS;
      const [id, low] = [words[slot + ID_HIGH] as number, words[slot + ID_LOW] as number];
      words[slot + HEAP_AT] = 0;
      // Two that wrote at once may have made a slot each for one key: a lift would reach one of them.
      if (id === 0 || this.#find(id, low) !== -1) {
        Atomics.store(words, slot + ID_HIGH, 0);
        words[slot + NEXT] = words[FREE_LIST] as number;
        words[FREE_LIST] = number + 1;
        continue;
      }
      this.#link(slot, low);
      this.#heap.add(slot);
    }
  }
}

/** @returns  How long the n-th ban in a row lasts, milliseconds: banMs * 2^(n-1), at most banMsMax. */
export function banLength({ banMs, banMsMax }: BanTerms, strikes: number): number {
  return Math.min(banMsMax, banMs * 2 ** (strikes - 1));
}

/** @returns  How long a key is kept after its ban ended, milliseconds. */
export function rememberedAfterMs({ forgetMs, windowMs }: Pick<BanTerms, 'forgetMs' | 'windowMs'>): number {
  return Math.max(forgetMs, windowMs * 2);
}

/** 0 marks a free slot. */
function idOf(high: number): number {
  return (high | 0) === 0 ? 1 : high | 0;
}

/** Right across the wrap of ticks; negative for what has passed. */
function msUntil(tick: number, steadyMs: number): number {
  const now = Math.floor(steadyMs / TICK_MS);
  return ((tick - now) | 0) * TICK_MS - (steadyMs - now * TICK_MS);
}

function leftOf(ends: number, steadyMs: number): number {
  return Math.max(0, msUntil(ends, steadyMs));
}

function tickAfter(steadyMs: number, leftMs: number): number {
  return Math.ceil((steadyMs + leftMs) / TICK_MS) | 0;
}
