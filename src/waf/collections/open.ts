// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { OpenCollection, OpenCollections } from '../open-collections.ts';
import type { CollectionHandle, CollectionTable } from './table.ts';

/**
 * The collections that rules open, in the table that all threads share.
 *
 * @param nowMs  Wall clock: a collection may be open for as long as its request takes.
 */
export function sharedCollections(table: CollectionTable, nowMs: () => number = Date.now): OpenCollections {
  return {
    open: (collection, key, timeoutSeconds) =>
      new SharedCollection(table, table.open(collection, key, timeoutSeconds), nowMs),
  };
}

/** One of them. The table compares names as bytes, rules do without regard to case. */
class SharedCollection implements OpenCollection {
  readonly #table: CollectionTable;
  readonly #handle: CollectionHandle;
  readonly #nowMs: () => number;

  constructor(table: CollectionTable, handle: CollectionHandle, nowMs: () => number) {
    this.#table = table;
    this.#handle = handle;
    this.#nowMs = nowMs;
  }

  get(name: ByteText): ByteText | undefined {
    return this.#table.get(this.#handle, name.toLowerCase(), this.#nowMs()) ?? undefined;
  }

  set(name: ByteText, value: ByteText): void {
    this.#table.set(this.#handle, name.toLowerCase(), value, this.#nowMs());
  }

  add(name: ByteText, by: number): void {
    this.#table.add(this.#handle, name.toLowerCase(), by, this.#nowMs());
  }

  unset(name: ByteText): void {
    this.#table.unset(this.#handle, name.toLowerCase(), this.#nowMs());
  }

  expire(name: ByteText, seconds: number): void {
    this.#table.expire(this.#handle, name.toLowerCase(), seconds, this.#nowMs());
  }

  entries(): ReturnType<OpenCollection['entries']> {
    const pairs = this.#table.entries(this.#handle, this.#nowMs());
    return pairs.flatMap((name, i) => (i % 2 === 0 ? [{ name, value: pairs[i + 1] as ByteText }] : []));
  }
}
