import type { ByteText } from '../../base/byte-text.ts';
import { type ByteSet, unionOf } from '../operators/byte-set.ts';
import type { PatternNode } from '../operators/pcre-syntax.ts';
import { foldedText, unfolded } from './folded-bytes.ts';
import { byteWeight, literalWeight, piecesOf, standsAlone } from './literals.ts';
import { needsOf } from './pattern-needs.ts';

/**
 * What must be somewhere in a value for an operator to hold: one of the literals, folded as FOLDED says, or one byte
 * of the set. An operator has several, all of which must be met. None: nothing is known.
 */
export interface Clause {
  /** Folded, none empty, none within another. */
  readonly literals: readonly ByteText[];
  /** Null for none. */
  readonly bytes: ByteSet | null;
  /** How many honest values meet it, roughly: 0 for none, 1 and above for all. */
  readonly weight: number;
}

/** Clauses that an operator keeps: the first ones decide nearly always. */
const CLAUSES_MAX = 4;
/** Above this a clause says nothing of honest values. */
const WEIGHT_MAX = 0.9;

/**
 * What a pattern needs, wherever it matches. Sound for all bytes: its sets hold the case that they mean.
 *
 * Patterns against evasion allow quotes and backslashes between any two letters. They are read twice: as they are, and
 * without repeats that take a rare byte; then what they need is the rest, or one of those bytes.
 */
export function clausesOfPattern(pattern: PatternNode): readonly Clause[] {
  const rare = new Set<ByteSet>();
  const plain = needsOf(pattern, null);
  const without = needsOf(pattern, rare);
  const escapes = rare.size === 0 ? null : unionOf([...rare]);
  return best([
    ...plain.clauses,
    ...(escapes === null ? [] : without.clauses.map((clause) => unionOfClauses([clause, classOf(escapes)]))),
  ]);
}

/** One of the texts must occur, ASCII case ignored. */
export function clausesOfTexts(texts: readonly ByteText[]): readonly Clause[] {
  return best(clauseOf(new Set(texts.map(foldedText))));
}

/** One byte of the set must occur. */
export function clausesOfBytes(bytes: ByteSet): readonly Clause[] {
  return best([classOf(bytes)]);
}

/** @returns  None where one of the texts is empty: that is everywhere. @param texts  Folded. */
export function clauseOf(texts: ReadonlySet<ByteText>): readonly Clause[] {
  return texts.has('') || texts.size === 0 ? [] : [clauseOfPieces(piecesOf([...texts]), null)];
}

export const classOf = (bytes: ByteSet): Clause => ({ literals: [], bytes, weight: byteWeight(bytes) });

/** Met where one of them is. */
export function unionOfClauses(clauses: readonly Clause[]): Clause {
  const sets = clauses.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]));
  const pieces = clauses.flatMap(({ literals }) => literals);
  return clauseOfPieces(piecesOf(pieces), sets.length === 0 ? null : unionOf(sets));
}

function clauseOfPieces(pieces: readonly ByteText[], also: ByteSet | null): Clause {
  const alone = pieces.filter(standsAlone);
  const sets = alone.map((piece) => unfolded(piece.charCodeAt(0)));
  const bytes = also === null && sets.length === 0 ? null : unionOf(also === null ? sets : [also, ...sets]);
  const literals = pieces.filter((piece) => !standsAlone(piece));
  const weight = literals.reduce(
    (sum, literal) => sum + literalWeight(literal),
    bytes === null ? 0 : byteWeight(bytes),
  );
  return { literals, bytes, weight };
}

/** The most telling ones, the best first. */
function best(clauses: readonly Clause[]): readonly Clause[] {
  return clauses
    .filter(({ weight }) => weight < WEIGHT_MAX)
    .toSorted((a, b) => a.weight - b.weight)
    .slice(0, CLAUSES_MAX);
}
