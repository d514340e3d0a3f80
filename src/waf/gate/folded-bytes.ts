import { LOWER_BYTES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import type { ByteSet } from '../operators/byte-set.ts';

/*
 * Literals tell 64 kinds of bytes apart, which is how wide a row of the automaton is: both cases of a letter are one,
 * so are TAB to CR, all other control bytes but NUL, the digits from 2 on, `!` and `^`, `@` and `~`, and all bytes
 * above ASCII. Literals and values are folded alike: what occurs still occurs.
 */

/** Byte -> the byte that stands for its kind. */
export const FOLDED: Uint8Array = Uint8Array.from(LOWER_BYTES, (lower) => {
  if (lower >= 0x80) return 0x80;
  if (lower >= 0x09 && lower <= 0x0d) return 0x0a;
  if ((lower > 0 && lower < 0x20) || lower === 0x7f) return 0x01;
  if (lower >= 0x32 && lower <= 0x39) return 0x32;
  if (lower === 0x5e) return 0x21;
  return lower === 0x7e ? 0x40 : lower;
});

/** Byte -> the number of its kind, from 0; 64 kinds. */
export const KINDS: Uint8Array = kinds();
export const KIND_BITS = 6;

export function foldedText(text: ByteText): ByteText {
  return Array.from(text, (one) => String.fromCharCode(FOLDED[one.charCodeAt(0)] as number)).join('');
}

function kinds(): Uint8Array {
  const stand = [...new Set(FOLDED)];
  return FOLDED.map((folded) => stand.indexOf(folded));
}

/** All bytes of the kind. @param folded  What stands for it. */
export function unfolded(folded: number): ByteSet {
  return UNFOLDED[folded] as ByteSet;
}

const UNFOLDED: readonly ByteSet[] = Array.from({ length: 256 }, (_, folded) =>
  FOLDED.map((byte) => (byte === folded ? 1 : 0)),
);
