import { NAME_SEED_0, NAME_SEED_1 } from './layout.ts';

/**
 * Names that counts have in Redis: an id of the table, hashed once more with HalfSipHash-2-4 and a seed of its own. Who
 * reads Redis so sees nothing of what `KeyHash` gives: its fewer rounds are meant for results that nobody sees.
 *
 * Threads: one instance each.
 */
export class RedisName {
  readonly #seed0: number;
  readonly #seed1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** @param words  Limiter table; its seeds are those of all gateways that count together. */
  constructor(words: Int32Array) {
    this.#seed0 = words[NAME_SEED_0] as number;
    this.#seed1 = words[NAME_SEED_1] as number;
  }

  /** @param high, low  Id of a key. @returns  16 hexadecimal digits. */
  of(high: number, low: number): string {
    this.#v0 = this.#seed0;
    this.#v1 = this.#seed1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#seed0;
    this.#v3 = 0x74656462 ^ this.#seed1;
    this.#feed(low);
    this.#feed(high);
    // A message of eight bytes: the last word holds its length only.
    this.#feed(8 << 24);
    this.#v2 ^= 0xee;
    this.#rounds(4);
    const first = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    return hexOf(this.#v1 ^ this.#v3) + hexOf(first);
  }

  #feed(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#v0 = (this.#v0 + this.#v1) | 0;
      this.#v1 = rotated(this.#v1, 5) ^ this.#v0;
      this.#v0 = rotated(this.#v0, 16);
      this.#v2 = (this.#v2 + this.#v3) | 0;
      this.#v3 = rotated(this.#v3, 8) ^ this.#v2;
      this.#v0 = (this.#v0 + this.#v3) | 0;
      this.#v3 = rotated(this.#v3, 7) ^ this.#v0;
      this.#v2 = (this.#v2 + this.#v1) | 0;
      this.#v1 = rotated(this.#v1, 13) ^ this.#v2;
      this.#v2 = rotated(this.#v2, 16);
    }
  }
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function hexOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
