// hot path: synchronous, never throws

/** Small pieces are gathered in blocks of so many bytes: an object for each would take a hundred times its bytes. */
const BLOCK_BYTES = 8_192;

/**
 * Copies of pieces of a body, in order. They take as much memory as they have bytes, and a block more, however small
 * the pieces are.
 *
 * Threads: one.
 */
export class KeptBytes {
  #blocks: Buffer[] = [];
  /** The last block, and how much of it is in use. */
  #last: Buffer | null = null;
  #used = 0;
  #length = 0;

  /** Bytes kept. */
  get length(): number {
    return this.#length;
  }

  /** @param piece  May be empty; read before this returns. */
  append(piece: Uint8Array): void {
    this.#length += piece.length;
    const last = this.#last;
    if (last === null) {
      // Often the only one: as large as it is.
      this.#add(piece, piece.length);
      return;
    }
    const fits = Math.min(last.length - this.#used, piece.length);
    last.set(fits === piece.length ? piece : piece.subarray(0, fits), this.#used);
    this.#used += fits;
    if (fits < piece.length) this.#add(piece.subarray(fits), Math.max(BLOCK_BYTES, piece.length - fits));
  }

  /** @returns  All that was kept, and nothing is kept any more. At least one block, if `append` was called at all. */
  take(): readonly Buffer[] {
    const blocks = this.#blocks;
    if (this.#last !== null) blocks[blocks.length - 1] = this.#last.subarray(0, this.#used);
    this.#blocks = [];
    this.#last = null;
    this.#used = 0;
    this.#length = 0;
    return blocks;
  }

  #add(piece: Uint8Array, size: number): void {
    const block = Buffer.allocUnsafe(size);
    block.set(piece);
    this.#blocks.push(block);
    this.#last = block;
    this.#used = piece.length;
  }
}
