/** Numbers in memory that all threads share once one has sent them to another. */
export function sharedInts(numbers: ArrayLike<number>): Int32Array<SharedArrayBuffer> {
  const ints = new Int32Array(new SharedArrayBuffer(numbers.length * Int32Array.BYTES_PER_ELEMENT));
  ints.set(numbers);
  return ints;
}
