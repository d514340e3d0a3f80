import type { ByteText } from '../../base/byte-text.ts';
import type { ByteSet } from '../operators/byte-set.ts';
import { GROUP_BITS, groupsOf } from './byte-groups.ts';
import { KIND_BITS, KINDS, unfolded } from './folded-bytes.ts';

/** Bytes of a literal: longer ones tell little more, and make the automaton large. */
export const LITERAL_MAX = 5;

/**
 * The most telling piece of each text, without those that hold another: where a text occurs, one of the pieces does.
 *
 * @param texts  Folded, none empty.
 */
export function piecesOf(texts: readonly ByteText[]): readonly ByteText[] {
  if (texts.length === 1) return [pieceOf(texts[0] as ByteText, LITERAL_MAX)];
  // The shortest first: `json.data:` needs no piece of its own beside `data:`.
  const byLength = texts.toSorted((a, b) => a.length - b.length);
  let pieces = piecesOfLength(byLength, LITERAL_MAX);
  for (const [most, length] of SHORTER) {
    if (pieces.texts.length > most) pieces = piecesOfLength(byLength, length);
  }
  return pieces.texts.filter((piece) => !pieces.holdsOther(piece));
}

function piecesOfLength(texts: readonly ByteText[], length: number): Pieces {
  const pieces = new Pieces();
  for (const text of texts) if (!pieces.isIn(text, 0, text.length)) pieces.add(pieceOf(text, length));
  return pieces;
}

/**
 * Pieces by number, so that no text is cut for being looked up: a leading 1, then their kinds of bytes as digits. Five
 * make a small integer still.
 */
class Pieces {
  readonly texts: ByteText[] = [];
  readonly #codes = new Set<number>();
  #longest = 0;

  add(piece: ByteText): void {
    let code = 1;
    for (let i = 0; i < piece.length; i += 1) code = code * RADIX + (KINDS[piece.charCodeAt(i)] as number);
    if (this.#codes.has(code)) return;
    this.#codes.add(code);
    this.texts.push(piece);
    this.#longest = Math.max(this.#longest, piece.length);
  }

  /** Is one of them in this part of the text? */
  isIn(text: ByteText, start: number, end: number): boolean {
    for (let from = start; from < end; from += 1) {
      const last = Math.min(from + this.#longest, end);
      let code = 1;
      for (let at = from; at < last; at += 1) {
        code = code * RADIX + (KINDS[text.charCodeAt(at)] as number);
        if (this.#codes.has(code)) return true;
      }
    }
    return false;
  }

  holdsOther(piece: ByteText): boolean {
    return this.isIn(piece, 1, piece.length) || this.isIn(piece, 0, piece.length - 1);
  }
}

/** Kinds of bytes. */
const RADIX = 2 ** KIND_BITS;

/** How likely a literal is in an honest value, roughly. */
export function literalWeight(literal: ByteText): number {
  let weight = VALUE_LENGTH;
  for (let i = 0; i < literal.length; i += 1) weight *= FREQUENCIES[literal.charCodeAt(i)] as number;
  return weight;
}

/** How likely one of the bytes is in an honest value; its whole groups count, since no more is known of a value. */
export function byteWeight(set: ByteSet): number {
  const groups = groupsOf(set);
  const isCommon = (groups & COMMON) !== 0;
  return isCommon ? 1 : 0.01 * set.reduce((sum, held) => sum + held, 0) ** 0.5;
}

/** None of the bytes is in most honest values. */
export function isRare(set: ByteSet): boolean {
  return (groupsOf(set) & COMMON) === 0;
}

/** A single byte whose kind is whole groups: whether a value holds one is known without a literal. */
export function standsAlone(piece: ByteText): boolean {
  return piece.length === 1 && ALONE[piece.charCodeAt(0)] === true;
}

const ALONE: readonly boolean[] = Array.from({ length: 256 }, (_, folded) => {
  const kind = unfolded(folded);
  const groups = groupsOf(kind);
  return groups !== 0 && GROUP_BITS.every((bit, byte) => (groups & bit) === 0 || kind[byte] === 1);
});

/** Above so many, pieces are shorter: many of them are then the same. */
const SHORTER: readonly (readonly [number, number])[] = [
  [150, 4],
  [700, 3],
];
const VALUE_LENGTH = 60;
/** Groups that most honest values hold. */
const COMMON = groupsOf(byteSetOf(' ,-._/0Aa'));
const FREQUENCIES = frequencies();

function pieceOf(text: ByteText, length: number): ByteText {
  if (text.length <= length) return text;
  let found = text.slice(0, length);
  let lightest = literalWeight(found);
  for (let at = 1; at + length <= text.length; at += 1) {
    const piece = text.slice(at, at + length);
    const weight = literalWeight(piece);
    if (weight >= lightest) continue;
    found = piece;
    lightest = weight;
  }
  return found;
}

/** By folded byte: its share of honest text, taken roughly. */
function frequencies(): Float64Array {
  const shares = new Float64Array(256).fill(0.0005);
  const letters = 'etaoinsrhldcumfpgwybvkxjqz';
  for (let i = 0; i < letters.length; i += 1) shares[letters.charCodeAt(i)] = 0.1 * 0.88 ** i;
  for (let digit = 0x30; digit <= 0x39; digit += 1) shares[digit] = digit === 0x32 ? 0.15 : 0.03;
  for (const character of ' ') shares[character.charCodeAt(0)] = 0.12;
  for (const character of '/.-_,') shares[character.charCodeAt(0)] = 0.03;
  for (const character of ':=;+&()?') shares[character.charCodeAt(0)] = 0.008;
  return shares;
}

function byteSetOf(characters: string): ByteSet {
  const set = new Uint8Array(256);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}
