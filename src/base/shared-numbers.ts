import type { ByteText } from './byte-text.ts';

/** Numbers in memory that all threads share once one has sent them to another. */
export function sharedInts(numbers: ArrayLike<number>): Int32Array<SharedArrayBuffer> {
  const ints = new Int32Array(new SharedArrayBuffer(numbers.length * Int32Array.BYTES_PER_ELEMENT));
  ints.set(numbers);
  return ints;
}

/** Byte text likewise. */
export function sharedBytes(text: ByteText): Uint8Array<SharedArrayBuffer> {
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length));
  Buffer.from(bytes.buffer).write(text, 'latin1');
  return bytes;
}
