// hot path: synchronous, never throws

/** Which bytes: 256 entries, 1 for those in the set. Never changed once made. */
export type ByteSet = Uint8Array;

export function byteSet(...ranges: readonly (readonly [number, number])[]): ByteSet {
  const set = new Uint8Array(256);
  for (const [first, last] of ranges) set.fill(1, first, last + 1);
  return set;
}

export function unionOf(sets: readonly ByteSet[]): ByteSet {
  const union = new Uint8Array(256);
  for (const set of sets) for (let byte = 0; byte < 256; byte += 1) if (set[byte] === 1) union[byte] = 1;
  return union;
}

export function complementOf(set: ByteSet): ByteSet {
  return set.map((held) => 1 - held);
}

export function overlaps(a: ByteSet, b: ByteSet): boolean {
  return a.some((held, byte) => held === 1 && b[byte] === 1);
}

/** ASCII letters in both cases where one is in: in a C locale PCRE folds no other byte. */
export function foldedOf(set: ByteSet): ByteSet {
  const folded = set.slice();
  for (let upper = 0x41; upper <= 0x5a; upper += 1) {
    const held = set[upper] === 1 || set[upper + 0x20] === 1 ? 1 : 0;
    folded[upper] = held;
    folded[upper + 0x20] = held;
  }
  return folded;
}

/** First and last byte of each run of the set, ascending. */
export function rangesOf(set: ByteSet): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  for (let byte = 0; byte < 256; byte += 1) {
    if (set[byte] === 0) continue;
    const first = byte;
    while (set[byte + 1] === 1) byte += 1;
    ranges.push([first, byte]);
  }
  return ranges;
}

const SINGLES: readonly ByteSet[] = Array.from({ length: 256 }, (_, byte) => byteSet([byte, byte]));
const FOLDED_SINGLES: readonly ByteSet[] = SINGLES.map(foldedOf);

/** The set of one byte, or of both cases of a letter. Shared: patterns are mostly literals. */
export function singleByte(byte: number, ignoreCase: boolean): ByteSet {
  return (ignoreCase ? FOLDED_SINGLES : SINGLES)[byte & 0xff] as ByteSet;
}
