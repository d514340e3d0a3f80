import { randomBytes } from 'node:crypto';

/** A prime number of bytes: no block size divides it, so that lost, doubled or swapped blocks never fit again. */
const PERIOD = 1_048_573;
const PATTERN = randomBytes(PERIOD);
const DOUBLED = Buffer.concat([PATTERN, PATTERN]);

/** `length` bytes of the endless test pattern, from `offset`; length <= 1 MiB. No copy: do not write into it. */
export function patternAt(offset: number, length: number): Buffer {
  const start = offset % PERIOD;
  return DOUBLED.subarray(start, start + length);
}

/** Compares a stream with the pattern, byte by byte, at memcmp's speed. */
export class PatternCheck {
  /** Bytes seen so far. */
  bytes = 0;
  /** Offset of the first block that differs, or -1. */
  firstWrong = -1;

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += PERIOD) {
      const piece = chunk.subarray(at, at + PERIOD);
      if (this.firstWrong === -1 && !patternAt(this.bytes, piece.length).equals(piece)) this.firstWrong = this.bytes;
      this.bytes += piece.length;
    }
  }
}
