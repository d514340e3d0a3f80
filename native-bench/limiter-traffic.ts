/** Decisions of one pass: a block of keys that are made together. */
export const BLOCK = 4_096;
/** In them each key comes equally often; then the windows have passed. */
export const PASSES = 100;
export const WINDOW_MS = 60_000;
/** By then all windows have passed, and their slots go to the keys that come next. */
const ROUND_MS = 1_000_000;
const ADDRESS_BYTES = 16;

/**
 * Requests' addresses, each once in a sweep, in an order of chance. The text of a key is made anew for each decision,
 * as the front makes it for each request: flat, of Latin-1, not yet hashed by anybody.
 */
export class LimiterTraffic {
  readonly #bytes: Buffer;
  readonly #lengths: Uint8Array;
  readonly #order: Uint32Array;
  readonly #blocks: number;

  /** @param keys  Addresses: a multiple of BLOCK, so that a sweep over them is a whole number of passes. */
  constructor(keys: number) {
    this.#blocks = keys / BLOCK;
    this.#bytes = Buffer.alloc(keys * ADDRESS_BYTES);
    this.#lengths = Uint8Array.from({ length: keys }, (_, i) => {
      const text = `${10 + (i % 7)}.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      return this.#bytes.write(text, i * ADDRESS_BYTES, 'latin1');
    });
    this.#order = Uint32Array.from({ length: keys }, (_, i) => i);
    let state = 12_345;
    for (let i = keys - 1; i > 0; i -= 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const j = state % (i + 1);
      const swapped = this.#order[i] as number;
      this.#order[i] = this.#order[j] as number;
      this.#order[j] = swapped;
    }
  }

  /** How often each key of this pass came before in its windows. */
  sweepOf(pass: number): number {
    return Math.floor((pass % PASSES) / this.#blocks);
  }

  roundOf(pass: number): number {
    return Math.floor(pass / PASSES) + 1;
  }

  /** The requests' clock: whole milliseconds, since fractions of our own would be garbage. */
  clockMsAt(pass: number): number {
    return this.roundOf(pass) * ROUND_MS + (pass % PASSES);
  }

  /** New texts of the keys of a pass. */
  block(pass: number): readonly string[] {
    const from = (pass % this.#blocks) * BLOCK;
    return Array.from({ length: BLOCK }, (_, i) => this.#key(this.#order[from + i] as number));
  }

  all(): readonly string[] {
    return Array.from(this.#order, (index) => this.#key(index));
  }

  #key(index: number): string {
    const at = index * ADDRESS_BYTES;
    return this.#bytes.toString('latin1', at, at + (this.#lengths[index] as number));
  }
}
