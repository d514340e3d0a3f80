/** In the folder where the process was started. */
export const HEAP_FILE = 'heap.json';

/** What the threads of a process did with their heaps between two moments. */
export interface HeapUse {
  /** Of V8's heaps: objects, strings, closures. Memory of Buffers lies outside. */
  readonly allocatedBytes: number;
  /** Time in which a thread stood still for its garbage collector. */
  readonly gcMs: number;
  readonly collections: number;
  readonly threads: number;
}
