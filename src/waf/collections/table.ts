// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { TableLock } from '../../base/table-lock.ts';
import { CollectionContent } from './content.ts';
import { ENTRIES, EVICTED, IN_USE, LATEST, LOCK, REFUSED, TORN } from './layout.ts';
import { CollectionStorage } from './storage.ts';

/** A keyed hash of texts into 64 bits, the same in every thread: it leaves its result in fields. */
export interface KeyHasher {
  readonly high: number;
  readonly low: number;
  /** @param salt  32 bits that tell uses of one text apart. */
  hash(text: string, salt: number): void;
}

/** One collection, found or not: what `initcol:ip=192.0.2.1` names. */
export interface CollectionHandle {
  readonly high: number;
  readonly low: number;
  readonly key: ByteText;
  readonly timeoutSeconds: number;
}

/** SecCollectionTimeout, where a rule set does not say. */
export const TIMEOUT_SECONDS = 3_600;

/** No other text is hashed with it. */
const SALT = 0x77_61_66;
/** Integers beyond are not exact, and nothing counts that far. */
const LARGEST = Number.MAX_SAFE_INTEGER;
const INTEGER = /^\s*[+-]?[0-9]+/;

/**
 * SecLang's persistent collections (`ip`, `global`, `resource`, `session`, `user`) by name and key, shared by every
 * thread: see `layout.ts`.
 *
 * A collection comes to be with its first variable, and goes when nothing was changed in it for its timeout, or with
 * its last variable. When the table is full, one whose time is over makes room, else the one updated longest ago. Names
 * are bytes and compared as such: whoever calls folds their case.
 *
 * Threads: any number, an instance each; every method is one step for all of them. Times are the wall clock,
 * milliseconds since 1970.
 */
export class CollectionTable {
  readonly #words: Int32Array;
  readonly #lock: TableLock;
  readonly #hasher: KeyHasher;
  readonly #content = new CollectionContent();
  readonly #storage: CollectionStorage;

  /** @param words  From `createCollectionWords`. @param hasher  With a seed of this boot, the same in every thread. */
  constructor(words: Int32Array, hasher: KeyHasher) {
    this.#words = words;
    this.#hasher = hasher;
    this.#storage = new CollectionStorage(words, this.#content);
    this.#lock = new TableLock(words, LOCK, () => this.#storage.rebuild());
  }

  /** Collections there is room for. */
  get capacity(): number {
    return this.#words[ENTRIES] as number;
  }

  /** Collections kept, some of them longer than they need be. */
  get inUse(): number {
    return Atomics.load(this.#words, IN_USE);
  }

  /** Collections given up before their time, for want of room. */
  get evicted(): number {
    return Atomics.load(this.#words, EVICTED) >>> 0;
  }

  /** Changes not made: their collection would have grown beyond its bound. */
  get refused(): number {
    return Atomics.load(this.#words, REFUSED) >>> 0;
  }

  /** Collections given up since a thread died while it wrote them. */
  get torn(): number {
    return Atomics.load(this.#words, TORN) >>> 0;
  }

  /**
   * Names a collection, for the methods below. Nothing is kept yet.
   *
   * @param collection      `ip`, `global` and so on; without NUL.
   * @param key             Which one of them: any bytes.
   * @param timeoutSeconds  How long it outlives its last change: SecCollectionTimeout.
   */
  open(collection: string, key: ByteText, timeoutSeconds = TIMEOUT_SECONDS): CollectionHandle {
    const whole = `${collection}\0${key}`;
    this.#hasher.hash(whole, SALT);
    return { high: this.#hasher.high | 0, low: this.#hasher.low | 0, key: whole, timeoutSeconds };
  }

  /** @returns  The variable's value; null where there is none. */
  get(handle: CollectionHandle, name: ByteText, nowMs: number): ByteText | null {
    const content = this.#content;
    this.#lock.enter();
    const at = this.#load(handle, nowMs) === 0 ? -1 : content.find(name);
    const value = at === -1 ? null : content.valueAt(at);
    this.#lock.leave();
    return value;
  }

  /** @returns  Every variable: name, value, name, value; empty where there is no such collection. */
  entries(handle: CollectionHandle, nowMs: number): readonly ByteText[] {
    this.#lock.enter();
    const list = this.#load(handle, nowMs) === 0 ? [] : this.#content.list();
    this.#lock.leave();
    return list;
  }

  names(handle: CollectionHandle, nowMs: number): readonly ByteText[] {
    return this.entries(handle, nowMs).filter((_, index) => index % 2 === 0);
  }

  /**
   * `setvar:ip.name=value`. When it was to expire, it still is.
   *
   * @returns  False where it does not fit, counted in `refused`; then nothing is changed.
   */
  set(handle: CollectionHandle, name: ByteText, value: ByteText, nowMs: number): boolean {
    this.#lock.enter();
    const isSet = this.#put(handle, this.#load(handle, nowMs), name, value, nowMs);
    this.#lock.leave();
    return isSet;
  }

  /**
   * `setvar:ip.name=+1`: of any number of threads at once each counts. What is no number counts as 0.
   *
   * @param amount  Integer; negative for `=-1`.
   * @returns  The sum, also where it could not be kept (see `set`).
   */
  add(handle: CollectionHandle, name: ByteText, amount: number, nowMs: number): number {
    const content = this.#content;
    this.#lock.enter();
    const entry = this.#load(handle, nowMs);
    const at = entry === 0 ? -1 : content.find(name);
    const sum = Math.max(-LARGEST, Math.min(LARGEST, (at === -1 ? 0 : integerOf(content.valueAt(at))) + amount));
    this.#put(handle, entry, name, String(sum), nowMs);
    this.#lock.leave();
    return sum;
  }

  /** `setvar:!ip.name`. @returns  Whether it was there. */
  unset(handle: CollectionHandle, name: ByteText, nowMs: number): boolean {
    this.#lock.enter();
    const entry = this.#load(handle, nowMs);
    const at = entry === 0 ? -1 : this.#content.find(name);
    if (at !== -1) {
      this.#content.remove(at);
      this.#store(handle, entry, nowMs);
    }
    this.#lock.leave();
    return at !== -1;
  }

  /**
   * `expirevar:ip.name=seconds`.
   *
   * @param seconds  From now; 0 or less takes it away at once.
   * @returns  Whether it was there.
   */
  expire(handle: CollectionHandle, name: ByteText, seconds: number, nowMs: number): boolean {
    this.#lock.enter();
    const entry = this.#load(handle, nowMs);
    const at = entry === 0 ? -1 : this.#content.find(name);
    if (at !== -1) {
      if (seconds > 0) this.#content.setUntil(at, secondsAfter(nowMs, seconds));
      else this.#content.remove(at);
      this.#store(handle, entry, nowMs);
    }
    this.#lock.leave();
    return at !== -1;
  }

  /** Reads a collection, without what has expired in it. @returns  Its entry; 0 for none. */
  #load(handle: CollectionHandle, nowMs: number): number {
    const now = Math.floor(nowMs / 1_000);
    const entry = this.#storage.find(handle.high, handle.low, handle.key, now);
    if (entry !== 0) this.#content.prune(now);
    return entry;
  }

  #put(handle: CollectionHandle, entry: number, name: ByteText, value: ByteText, nowMs: number): boolean {
    const content = this.#content;
    const fits = (entry !== 0 || content.begin(handle.key)) && content.put(name, value);
    if (!fits) {
      Atomics.add(this.#words, REFUSED, 1);
      return false;
    }
    const now = Math.floor(nowMs / 1_000);
    this.#store(handle, entry === 0 ? this.#storage.add(handle.high, handle.low, now) : entry, nowMs);
    return true;
  }

  #store(handle: CollectionHandle, entry: number, nowMs: number): void {
    if (this.#content.isEmpty) this.#storage.free(entry);
    else this.#storage.write(entry, secondsAfter(nowMs, handle.timeoutSeconds), Math.floor(nowMs / 1_000));
  }
}

/** The integer that a value begins with, as `atoi` of C reads it. */
function integerOf(value: ByteText): number {
  const digits = INTEGER.exec(value);
  return digits === null ? 0 : Number(digits[0]);
}

function secondsAfter(nowMs: number, seconds: number): number {
  return Math.min(LATEST, Math.ceil(nowMs / 1_000) + seconds);
}
