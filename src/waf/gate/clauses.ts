import { LOWER_BYTES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import type { ByteSet } from '../operators/byte-set.ts';
import type { PatternNode } from '../operators/pcre-syntax.ts';
import { byteWeight, literalWeight, piecesOf } from './literals.ts';

/**
 * What must be somewhere in a value for an operator to hold: one of the literals, ASCII case ignored, or one byte of
 * the set. An operator has several, all of which must be met. None: nothing is known.
 */
export interface Clause {
  /** Lower case, two bytes and more, none within another. */
  readonly literals: readonly ByteText[];
  /** Single bytes; null for none. */
  readonly bytes: ByteSet | null;
  /** How many clauses of honest text would meet it, roughly: 0 none, 1 and above all. */
  readonly weight: number;
}

/** Clauses that an operator keeps: the first ones decide nearly always. */
const CLAUSES_MAX = 4;
/** Above this a clause says nothing of honest values. */
const WEIGHT_MAX = 0.9;
/** Texts of a choice: lists of words are kept whole. */
const CHOICES_MAX = 4_000;
/** Texts that neighbours are multiplied out to. */
const PRODUCTS_MAX = 64;
/** Bytes of a set that are told apart; larger sets are classes. */
const TOLD_APART_MAX = 8;
/** Bytes up to which texts are joined: literals are shorter still. */
const TEXT_MAX = 24;

/** What a pattern needs, wherever it matches. Sound for all bytes: sets know no case but what is worked into them. */
export function clausesOfPattern(pattern: PatternNode): readonly Clause[] {
  return best(whole(needsOf(pattern)));
}

/** One of the texts must occur, ASCII case ignored. */
export function clausesOfTexts(texts: readonly ByteText[]): readonly Clause[] {
  if (texts.length === 0) return [];
  return best(clauseOf(new Set(texts.map(lowerText))));
}

/** One byte of the set must occur. */
export function clausesOfBytes(bytes: ByteSet): readonly Clause[] {
  return best([classOf(bytes)]);
}

/** What a part of a pattern needs. */
interface Needs {
  /** Every text that it matches, lower case; null where there are too many. */
  readonly texts: ReadonlySet<ByteText> | null;
  /** What it needs where texts are null. */
  readonly clauses: readonly Clause[];
}

const NOTHING: Needs = { texts: new Set(['']), clauses: [] };
const UNKNOWN: Needs = { texts: null, clauses: [] };

function needsOf(node: PatternNode): Needs {
  switch (node.kind) {
    case 'byte':
      return needsOfByte(node.set);
    case 'place':
      return NOTHING;
    case 'capture':
      return needsOf(node.node);
    case 'repeat':
      return needsOfRepeat(needsOf(node.node), node.min, node.max);
    case 'sequence':
      return needsOfSequence(node.nodes.map(needsOf));
    case 'choice':
      return needsOfChoice(node.nodes.map(needsOf));
  }
}

function needsOfByte(set: ByteSet): Needs {
  const lower = new Set<ByteText>();
  for (let byte = 0; byte < 256; byte += 1) {
    if (set[byte] === 1) lower.add(String.fromCharCode(LOWER_BYTES[byte] as number));
  }
  return lower.size > 0 && lower.size <= TOLD_APART_MAX
    ? { texts: lower, clauses: [] }
    : { texts: null, clauses: [classOf(set)] };
}

function needsOfRepeat(one: Needs, min: number, max: number): Needs {
  if (max === 0) return NOTHING;
  if (min === 0) {
    return max === 1 && one.texts !== null ? { texts: new Set(['', ...one.texts]), clauses: [] } : UNKNOWN;
  }
  if (one.texts === null || (min === 1 && max === 1)) return one;
  let least: ReadonlySet<ByteText> = one.texts;
  let count = 1;
  for (; count < min; count += 1) {
    const next = joined(least, one.texts);
    if (next === null) break;
    least = next;
  }
  return count === max ? { texts: least, clauses: [] } : { texts: null, clauses: clauseOf(least) };
}

function needsOfSequence(parts: readonly Needs[]): Needs {
  const clauses: Clause[] = [];
  let run: ReadonlySet<ByteText> = new Set(['']);
  let isWhole = true;
  for (const part of parts) {
    const next = part.texts === null ? null : joined(run, part.texts);
    if (next !== null) {
      run = next;
      continue;
    }
    isWhole = false;
    clauses.push(...clauseOf(run), ...part.clauses);
    run = part.texts ?? new Set(['']);
  }
  if (isWhole) return { texts: run, clauses: [] };
  return { texts: null, clauses: [...clauses, ...clauseOf(run)] };
}

function needsOfChoice(parts: readonly Needs[]): Needs {
  const texts = new Set<ByteText>();
  for (const part of parts) for (const text of part.texts ?? []) texts.add(text);
  if (parts.every((part) => part.texts !== null) && texts.size <= CHOICES_MAX) return { texts, clauses: [] };
  // Each way needs all its clauses: any choice of one from each way is one that the whole needs.
  const ways = parts.map((part) => whole(part).toSorted((a, b) => a.weight - b.weight));
  if (ways.some((clauses) => clauses.length === 0)) return UNKNOWN;
  const clauses = [0, 1].map((rank) => unionOf(ways.map((own) => (own[rank] ?? own[0]) as Clause)));
  return { texts: null, clauses: ways.some((own) => own.length > 1) ? clauses : clauses.slice(0, 1) };
}

const whole = ({ texts, clauses }: Needs): readonly Clause[] => (texts === null ? clauses : clauseOf(texts));

/** Every text of one before every text of the other; null where that would be too many, or too long. */
function joined(before: ReadonlySet<ByteText>, after: ReadonlySet<ByteText>): ReadonlySet<ByteText> | null {
  if (before.size === 1 && before.has('')) return after;
  if (after.size === 1 && after.has('')) return before;
  if (before.size * after.size > PRODUCTS_MAX) return null;
  const texts = new Set<ByteText>();
  for (const head of before) {
    for (const tail of after) {
      if (head.length + tail.length > TEXT_MAX) return null;
      texts.add(head + tail);
    }
  }
  return texts;
}

/** None where one of the texts is empty: that is everywhere. */
function clauseOf(texts: ReadonlySet<ByteText>): readonly Clause[] {
  return texts.has('') || texts.size === 0 ? [] : [clauseOfPieces(piecesOf([...texts]), null)];
}

function clauseOfPieces(pieces: readonly ByteText[], also: ByteSet | null): Clause {
  let bytes = also?.slice() ?? null;
  for (const piece of pieces) {
    if (piece.length > 1) continue;
    bytes ??= new Uint8Array(256);
    const lower = piece.charCodeAt(0);
    bytes.fill(1, lower, lower + 1);
    if (lower >= 0x61 && lower <= 0x7a) bytes.fill(1, lower - 0x20, lower - 0x1f);
  }
  const literals = pieces.filter((piece) => piece.length > 1);
  const weight = literals.reduce(
    (sum, literal) => sum + literalWeight(literal),
    bytes === null ? 0 : byteWeight(bytes),
  );
  return { literals, bytes, weight };
}

const classOf = (bytes: ByteSet): Clause => ({ literals: [], bytes, weight: byteWeight(bytes) });

function unionOf(clauses: readonly Clause[]): Clause {
  const sets = clauses.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]));
  const bytes =
    sets.length === 0 ? null : new Uint8Array(256).map((_, byte) => (sets.some((set) => set[byte] === 1) ? 1 : 0));
  return clauseOfPieces(piecesOf(clauses.flatMap(({ literals }) => literals)), bytes);
}

/** The most telling ones, the best first. */
function best(clauses: readonly Clause[]): readonly Clause[] {
  return clauses
    .filter(({ weight }) => weight < WEIGHT_MAX)
    .toSorted((a, b) => a.weight - b.weight)
    .slice(0, CLAUSES_MAX);
}

function lowerText(text: ByteText): ByteText {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
