// hot path: synchronous, never throws
import { ENDS, HEAP_AT, IN_USE } from './layout.ts';

/** Slots in use, the one whose ban ends first on top. Threads: whoever holds the table's lock. */
export interface BanHeap {
  /** First word of the slot on top; there is one. */
  first(): number;
  add(slot: number): void;
  remove(slot: number): void;
  /** The end of the slot's ban was set. */
  moved(slot: number): void;
  clear(): void;
}

/**
 * A binary heap in the words of the table; its size is the header's count of slots in use.
 *
 * @param base       First word of the heap.
 * @param firstSlot  Where the heap ends.
 */
export function heapOf(words: Int32Array, base: number, firstSlot: number): BanHeap {
  const room = firstSlot - base;

  const size = () => words[IN_USE] as number;
  const at = (place: number) => words[base + place] as number;
  const endsBefore = (a: number, b: number) => (((words[a + ENDS] as number) - (words[b + ENDS] as number)) | 0) < 0;

  const place = (slot: number, where: number): void => {
    words[base + where] = slot;
    words[slot + HEAP_AT] = where;
  };

  /** @returns  Where the slot came to lie. */
  const rise = (slot: number, from: number): number => {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!endsBefore(slot, at(parent))) break;
      place(at(parent), hole);
      hole = parent;
    }
    place(slot, hole);
    return hole;
  };

  const sink = (slot: number, from: number): void => {
    const count = size();
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= count) break;
      if (child + 1 < count && endsBefore(at(child + 1), at(child))) child += 1;
      if (!endsBefore(at(child), slot)) break;
      place(at(child), hole);
      hole = child;
    }
    place(slot, hole);
  };

  const settle = (slot: number, where: number): void => {
    if (rise(slot, where) === where) sink(slot, where);
  };

  return {
    first: () => at(0),
    add(slot) {
      const count = size();
      if (count >= room) return;
      Atomics.store(words, IN_USE, count + 1);
      rise(slot, count);
    },
    remove(slot) {
      const where = words[slot + HEAP_AT] as number;
      const last = size() - 1;
      Atomics.store(words, IN_USE, last);
      if (where !== last) settle(at(last), where);
    },
    moved: (slot) => settle(slot, words[slot + HEAP_AT] as number),
    clear() {
      Atomics.store(words, IN_USE, 0);
    },
  };
}
