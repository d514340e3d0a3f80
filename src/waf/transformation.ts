import type { ByteText } from '../base/byte-text.ts';

/** Gives the very same string where it changes nothing. Never throws; linear in the text. */
export type Transformation = (text: ByteText) => ByteText;

/**
 * The same on bytes: changes the first `length` of them in place.
 *
 * @returns  How many they are then; never more.
 */
export type ByteWork = (bytes: Buffer, length: number) => number;

/** Code points above 0xFF to bytes: one code page of a SecUnicodeMapFile. */
export type UnicodeMap = ReadonlyMap<number, number>;

/** One SecLang transformation: one file in src/waf/transformations. */
export interface TransformationWord {
  /** SecLang spelling, and other spellings of the same; looked up without regard to case. */
  readonly names: readonly string[];
  /** Characters without any of which it leaves a value as it is; left out where there is no such set. */
  readonly changes?: ByteText;
  /** Where those characters are common: false for texts that it leaves as they are all the same. */
  readonly mayChange?: (text: ByteText) => boolean;
  /** @param unicode  The map that SecUnicodeMapFile names; null where there is none. */
  readonly compile: (unicode: UnicodeMap | null) => Transformation;
  /** What it does to bytes; left out where it works on the text only. */
  readonly work?: (unicode: UnicodeMap | null) => ByteWork;
}
