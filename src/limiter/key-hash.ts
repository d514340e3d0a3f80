// hot path: synchronous, never throws

/**
 * A keyed hash of texts into 64 bits: nobody who does not know the seed can aim two keys at one place.
 *
 * HalfSipHash-1-3 with 64 bits of output: the rounds that Linux takes for hash tables where words have 32 bits, as Rust
 * and Python take SipHash-1-3 for theirs. They are for results that nobody sees: who chooses texts can only guess at
 * two that meet, and the sources below know no way that beats guessing. The 2-4 rounds are for results that others see;
 * what leaves the process is hashed again with those: see `RedisName`.
 *
 * What it is fed, 32 bits at a time, is different for any two texts:
 *
 * - the salt;
 * - the code units, four to a word in texts of Latin-1 only, else two;
 * - a last word. Latin-1: up to three units from the text's end, bit 31 clear, the length from bit 24. Else: the last
 *   unit of an odd number of them, bit 31 set, the length from bit 16.
 *
 * The result is left in `high` and `low`, since an object for it would be garbage on every request.
 *
 * Threads: one instance each. Sources: J.-P. Aumasson and D. J. Bernstein, SipHash: a fast short-input PRF (2012), and
 * HalfSipHash beside it; C. Dobraunig, F. Mendel, M. Schläffer, Differential Cryptanalysis of SipHash (2014); Linux,
 * Documentation/security/siphash.rst.
 */
export class KeyHash {
  high = 0;
  low = 0;
  readonly #seed0: number;
  readonly #seed1: number;
  #salt = 0;
  #begin0 = 0;
  #begin1 = 0;
  #begin2 = 0;
  #begin3 = 0;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** @param seed0  32 secret bits. @param seed1  32 more. */
  constructor(seed0: number, seed1: number) {
    this.#seed0 = seed0 | 0;
    this.#seed1 = seed1 | 0;
    this.#begin(0);
  }

  /** Hashes `text`; some 24 ns for an IPv4 address. @param salt  32 bits that tell uses of one text apart. */
  hash(text: string, salt: number): void {
    if (this.#latin1(text, salt) > 0xff) this.#any(text, salt);
  }

  /** The way of nearly all keys: state in registers. @returns  All units, or-ed. */
  #latin1(text: string, salt: number): number {
    if (salt !== this.#salt) this.#begin(salt);
    let v0 = this.#begin0;
    let v1 = this.#begin1;
    let v2 = this.#begin2;
    let v3 = this.#begin3;
    const { length } = text;
    const whole = length & ~3;
    let units = 0;
    for (let at = 0; at < whole; at += 4) {
      const first = text.charCodeAt(at);
      const second = text.charCodeAt(at + 1);
      const third = text.charCodeAt(at + 2);
      const fourth = text.charCodeAt(at + 3);
      units |= first | second | third | fourth;
      const word = first | (second << 8) | (third << 16) | (fourth << 24);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    let word = (length & 0x7f) << 24;
    if (length >= 3) {
      const first = text.charCodeAt(length - 3);
      const second = text.charCodeAt(length - 2);
      const third = text.charCodeAt(length - 1);
      units |= first | second | third;
      word |= first | (second << 8) | (third << 16);
    } else if (length > 0) {
      const first = text.charCodeAt(0);
      const second = length === 2 ? text.charCodeAt(1) : 0;
      units |= first | second;
      word |= first | (second << 8);
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    v2 ^= 0xee;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.low = v1 ^ v3;
    v1 ^= 0xdd;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.high = v1 ^ v3;
    return units;
  }

  /** As `#latin1` does it, but two units to a word. */
  #any(text: string, salt: number): void {
    if (salt !== this.#salt) this.#begin(salt);
    this.#v0 = this.#begin0;
    this.#v1 = this.#begin1;
    this.#v2 = this.#begin2;
    this.#v3 = this.#begin3;
    const { length } = text;
    const even = length & ~1;
    for (let at = 0; at < even; at += 2) this.#word(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    const last = length === even ? 0 : text.charCodeAt(even);
    this.#word(last | (length << 16) | 0x8000_0000);
    this.#v2 ^= 0xee;
    this.#rounds(3);
    this.low = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    this.#rounds(3);
    this.high = this.#v1 ^ this.#v3;
  }

  /** The state behind the salt, which is often that of the text before. */
  #begin(salt: number): void {
    this.#v0 = this.#seed0;
    this.#v1 = this.#seed1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#seed0;
    this.#v3 = 0x74656462 ^ this.#seed1;
    this.#word(salt | 0);
    this.#salt = salt;
    this.#begin0 = this.#v0;
    this.#begin1 = this.#v1;
    this.#begin2 = this.#v2;
    this.#begin3 = this.#v3;
  }

  #word(word: number): void {
    this.#v3 ^= word;
    this.#rounds(1);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < count; i += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
