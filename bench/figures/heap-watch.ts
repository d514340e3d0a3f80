import { GCProfiler, getHeapStatistics } from 'node:v8';
import type { HeapUse } from './heap-wire.ts';

export type ThreadHeap = Omit<HeapUse, 'threads'>;

/** One collection: what the heap held on either side of it, and how long it took. */
export interface Collection {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Microseconds. */
  readonly cost: number;
}

/** Watches the heap of the thread that makes it, from then on. */
export class ThreadHeapWatch {
  readonly #profiler = new GCProfiler();
  readonly #bytesAtStart: number;

  constructor() {
    this.#profiler.start();
    this.#bytesAtStart = getHeapStatistics().used_heap_size;
  }

  end(): ThreadHeap {
    const bytesAtEnd = getHeapStatistics().used_heap_size;
    const collections = this.#profiler.stop().statistics.map(({ beforeGC, afterGC, cost }) => ({
      bytesBefore: beforeGC.heapStatistics.usedHeapSize,
      bytesAfter: afterGC.heapStatistics.usedHeapSize,
      cost,
    }));
    return heapUseOf(this.#bytesAtStart, bytesAtEnd, collections);
  }
}

/**
 * What was allocated is what there is more at the end, and what collections took away: no allocation is missed between
 * them, however many there were.
 */
export function heapUseOf(bytesAtStart: number, bytesAtEnd: number, collections: readonly Collection[]): ThreadHeap {
  const collected = collections.reduce((sum, { bytesBefore, bytesAfter }) => sum + bytesBefore - bytesAfter, 0);
  const gcMs = collections.reduce((sum, { cost }) => sum + cost, 0) / 1_000;
  return { allocatedBytes: bytesAtEnd - bytesAtStart + collected, gcMs, collections: collections.length };
}

export function addUp(threads: readonly ThreadHeap[]): HeapUse {
  const total = (figure: (one: ThreadHeap) => number) => threads.reduce((sum, one) => sum + figure(one), 0);
  return {
    allocatedBytes: total(({ allocatedBytes }) => allocatedBytes),
    gcMs: total(({ gcMs }) => gcMs),
    collections: total(({ collections }) => collections),
    threads: threads.length,
  };
}
