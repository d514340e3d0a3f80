import type { ByteText } from '../../base/byte-text.ts';
import type { ByteSet } from '../operators/byte-set.ts';
import { GROUP_BITS, groupsOf } from './byte-groups.ts';
import { unfolded } from './folded-bytes.ts';

/** Bytes of a literal: longer ones tell little more, and make the automaton large. */
export const LITERAL_MAX = 5;

/**
 * The most telling piece of each text, without those that hold another: where a text occurs, one of the pieces does.
 *
 * @param texts  Folded, none empty.
 */
export function piecesOf(texts: readonly ByteText[]): readonly ByteText[] {
  // The shortest first: `json.data:` needs no piece of its own beside `data:`.
  const byLength = texts.toSorted((a, b) => a.length - b.length);
  let pieces = piecesOfLength(byLength, LITERAL_MAX);
  for (const [most, length] of SHORTER) {
    if (pieces.size > most) pieces = piecesOfLength(byLength, length);
  }
  return [...pieces].filter((piece) => !holdsOther(piece, pieces));
}

function piecesOfLength(texts: readonly ByteText[], length: number): ReadonlySet<ByteText> {
  const pieces = new Set<ByteText>();
  for (const text of texts) if (!holdsPiece(text, pieces, length)) pieces.add(pieceOf(text, length));
  return pieces;
}

/** Is one of the pieces in the text? @param length  Of the longest. */
function holdsPiece(text: ByteText, pieces: ReadonlySet<ByteText>, length: number): boolean {
  for (let from = 0; from < text.length; from += 1) {
    for (let to = from + 1; to <= Math.min(from + length, text.length); to += 1) {
      if (pieces.has(text.slice(from, to))) return true;
    }
  }
  return false;
}

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

function holdsOther(piece: ByteText, pieces: ReadonlySet<ByteText>): boolean {
  return holdsPiece(piece.slice(1), pieces, piece.length) || holdsPiece(piece.slice(0, -1), pieces, piece.length);
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
