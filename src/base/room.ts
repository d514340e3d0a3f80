// hot path: synchronous, never throws

/** Pieces that are kept, by the low bits of their length. */
const PIECES = 256;

/**
 * Memory that is used over and over, for bytes that nobody needs any more when the next come. Getting some makes no
 * garbage, and bytes written where the last ones were are in the processor's cache.
 */
export class Room {
  readonly #bytes: Buffer;
  readonly #pieces: (Buffer | undefined)[] = new Array<Buffer | undefined>(PIECES).fill(undefined);

  /** @param length  Bytes. */
  constructor(length: number) {
    this.#bytes = Buffer.allocUnsafeSlow(length);
  }

  /** @returns  At least so many bytes: the same ones each time, new ones when that is more than there are. */
  of(length: number): Buffer {
    return length <= this.#bytes.length ? this.#bytes : Buffer.allocUnsafe(length);
  }

  /** @returns  The first `length` bytes of what `of` gave. */
  start(bytes: Buffer, length: number): Buffer {
    if (bytes !== this.#bytes) return bytes.subarray(0, length);
    const place = length & (PIECES - 1);
    const known = this.#pieces[place];
    if (known !== undefined && known.length === length) return known;
    const piece = bytes.subarray(0, length);
    this.#pieces[place] = piece;
    return piece;
  }
}
