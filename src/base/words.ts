// hot path: synchronous, never throws
import { FIELD_BYTES } from './ascii.ts';

/** Runs up to this many bytes are copied faster by words in JavaScript than by `Buffer.copy` (measured on Node 20). */
const WORD_COPY_BYTES_MAX = 128;

let viewed: Buffer = Buffer.alloc(0);
let view = wordsOf(viewed);

/**
 * A view to read a buffer four bytes at a time. The last one is kept: a thread nearly always reads from one buffer.
 *
 * Threads: one copy of this module, and so of what it keeps, in each.
 */
export function viewOf(buf: Buffer): DataView {
  if (buf !== viewed) {
    viewed = buf;
    view = wordsOf(buf);
  }
  return view;
}

/** A view of a buffer of one's own, to be kept with it. */
export function wordsOf(buf: Buffer): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.length);
}

/**
 * Finds the end of field-value bytes, four at a time.
 *
 * @param buf    Bytes; `[from, to)` lies within them.
 * @param words  View of the same bytes.
 * @returns      First offset in `[from, to)` whose byte is not in `FIELD_BYTES`, else `to`.
 *
 * Source: "determine if a word has a byte less than n" and "... has a zero byte", Bit Twiddling Hacks (S. E. Anderson).
 */
export function fieldBytesEnd(buf: Buffer, words: DataView, from: number, to: number): number {
  let i = from;
  const lastWord = to - 4;
  while (i <= lastWord) {
    const word = words.getInt32(i, true);
    const del = word ^ 0x7f7f7f7f;
    // A byte below SP, or DEL: sort it out one by one. HTAB is the only honest one.
    if ((((word - 0x20202020) & ~word) | ((del - 0x01010101) & ~del)) & 0x80808080) {
      const end = i + 4;
      while (i < end && FIELD_BYTES[buf[i] as number] === 1) i += 1;
      if (i < end) return i;
    } else {
      i += 4;
    }
  }
  while (i < to && FIELD_BYTES[buf[i] as number] === 1) i += 1;
  return i;
}

/**
 * Copies `[from, to)` of one buffer to another.
 *
 * @param target       Has room for `to - from` bytes from `at`; not the same memory.
 * @param targetWords  View of `target`.
 * @param buf          Bytes to copy.
 * @param words        View of `buf`.
 */
export function copyWords(
  target: Buffer,
  targetWords: DataView,
  at: number,
  buf: Buffer,
  words: DataView,
  from: number,
  to: number,
): void {
  if (to - from > WORD_COPY_BYTES_MAX) {
    buf.copy(target, at, from, to);
    return;
  }
  let out = at;
  let i = from;
  for (const lastWord = to - 4; i <= lastWord; i += 4) {
    targetWords.setInt32(out, words.getInt32(i, true), true);
    out += 4;
  }
  for (; i < to; i += 1) {
    target[out] = buf[i] as number;
    out += 1;
  }
}
