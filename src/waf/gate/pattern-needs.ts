import type { ByteText } from '../../base/byte-text.ts';
import { type ByteSet, unionOf } from '../operators/byte-set.ts';
import type { PatternNode } from '../operators/pcre-syntax.ts';
import { type Clause, classOf, clauseOf, unionOfClauses } from './clauses.ts';
import { FOLDED } from './folded-bytes.ts';
import { byteWeight, isRare } from './literals.ts';

/** What every match of a pattern holds. */
export interface PatternNeeds {
  readonly clauses: readonly Clause[];
}

/**
 * Walks a pattern for what its matches hold.
 *
 * @param rare  Null: the pattern as it is. Else repeats that may be empty are taken to be, where what they would take
 *              holds one of a set of rare bytes; those sets are added here, and the needs hold for matches without.
 */
export function needsOf(pattern: PatternNode, rare: Set<ByteSet> | null): PatternNeeds {
  const needs = new Walk(rare).needsOf(pattern);
  return { clauses: needs.texts === null ? needs.clauses : clauseOf(needs.texts) };
}

/** Texts of a choice: lists of words are kept whole. */
const CHOICES_MAX = 4_000;
/** Texts that neighbours are multiplied out to. */
const PRODUCTS_MAX = 64;
/** Texts that ends of neighbours are multiplied out to. */
const SEAMS_MAX = 700;
/** Bytes of a set that are told apart; larger sets are classes. */
const TOLD_APART_MAX = 16;
/** Bytes up to which texts are joined: literals are shorter still. */
const TEXT_MAX = 24;
/** Bytes of an end. */
const END_MAX = 3;

type Texts = ReadonlySet<ByteText>;

interface Needs {
  /** Every text that it matches, folded; null where there are too many. */
  readonly texts: Texts | null;
  /** Where texts are null: what all of them need, and what all of them begin and end with; null where unknown. */
  readonly clauses: readonly Clause[];
  readonly heads: Texts | null;
  readonly tails: Texts | null;
}

const EMPTY: Texts = new Set(['']);
const NOTHING: Needs = { texts: EMPTY, clauses: [], heads: null, tails: null };
const UNKNOWN: Needs = { texts: null, clauses: [], heads: null, tails: null };

class Walk {
  readonly #rare: Set<ByteSet> | null;

  constructor(rare: Set<ByteSet> | null) {
    this.#rare = rare;
  }

  needsOf(node: PatternNode): Needs {
    switch (node.kind) {
      case 'byte':
        return needsOfByte(node.set);
      case 'place':
        return NOTHING;
      case 'capture':
        return this.needsOf(node.node);
      case 'repeat':
        return this.#needsOfRepeat(node.node, node.min, node.max);
      case 'sequence':
        return needsOfSequence(node.nodes.map((part) => this.needsOf(part)));
      case 'choice':
        return needsOfChoice(node.nodes.map((way) => this.needsOf(way)));
    }
  }

  #needsOfRepeat(node: PatternNode, min: number, max: number): Needs {
    if (max === 0) return NOTHING;
    if (min === 0) {
      const taken = this.#rare === null ? null : takenBy(node);
      if (taken !== null && isRare(taken)) {
        this.#rare?.add(taken);
        return NOTHING;
      }
      const { texts } = this.needsOf(node);
      return max === 1 && texts !== null ? ofTexts(new Set(['', ...texts])) : UNKNOWN;
    }
    const one = this.needsOf(node);
    if (min === 1 && max === 1) return one;
    const [heads, tails] = [headsOf(one), tailsOf(one)];
    if (one.texts === null) return { ...one, clauses: [...one.clauses, ...(min > 1 ? seam(tails, heads) : [])] };
    let least: Texts = one.texts;
    let count = 1;
    for (; count < min; count += 1) {
      const next = joined(least, one.texts);
      if (next === null) break;
      least = next;
    }
    if (count === max) return ofTexts(least);
    return { texts: null, clauses: [...clauseOf(least), ...(min > 1 ? seam(tails, heads) : [])], heads, tails };
  }
}

const ofTexts = (texts: Texts): Needs => ({ texts, clauses: [], heads: null, tails: null });

/** Of each set: most patterns are literals, and literals share their sets. */
const known = new WeakMap<ByteSet, Needs>();

function needsOfByte(set: ByteSet): Needs {
  const needs = known.get(set) ?? readByte(set);
  known.set(set, needs);
  return needs;
}

function readByte(set: ByteSet): Needs {
  const folded = new Set<ByteText>();
  for (let byte = 0; byte < 256; byte += 1) {
    if (set[byte] === 1) folded.add(String.fromCharCode(FOLDED[byte] as number));
  }
  if (folded.size > 0 && folded.size <= TOLD_APART_MAX) return ofTexts(folded);
  return { texts: null, clauses: [classOf(set)], heads: null, tails: null };
}

function needsOfSequence(parts: readonly Needs[]): Needs {
  const clauses: Clause[] = [];
  let run: Texts = EMPTY;
  let isWhole = true;
  let heads: Texts | null = null;
  /** What stands before the run ends with. */
  let before: Texts | null = null;
  for (const part of parts) {
    const next = part.texts === null ? null : joined(run, part.texts);
    if (next !== null) {
      run = next;
      continue;
    }
    const hasRun = !isEmpty(run);
    if (isWhole) heads = hasRun ? headsOf(ofTexts(run)) : headsOf(part);
    isWhole = false;
    if (hasRun) {
      clauses.push(...clauseOf(run), ...seam(before, headsOf(ofTexts(run))));
      before = tailsOf(ofTexts(run));
    }
    clauses.push(...part.clauses, ...seam(before, headsOf(part)));
    before = part.texts === null ? part.tails : null;
    run = part.texts ?? EMPTY;
  }
  if (isWhole) return ofTexts(run);
  if (isEmpty(run)) return { texts: null, clauses, heads, tails: before };
  const own = ofTexts(run);
  return {
    texts: null,
    clauses: [...clauses, ...clauseOf(run), ...seam(before, headsOf(own))],
    heads,
    tails: tailsOf(own),
  };
}

function needsOfChoice(parts: readonly Needs[]): Needs {
  const texts = new Set<ByteText>();
  for (const part of parts) for (const text of part.texts ?? []) texts.add(text);
  if (parts.every((part) => part.texts !== null) && texts.size <= CHOICES_MAX) return ofTexts(texts);
  const heads = allOf(parts.map(headsOf));
  const tails = allOf(parts.map(tailsOf));
  // Each way needs all its clauses: any choice of one from each way is one that the whole needs.
  const ways = parts.map((part) =>
    (part.texts === null ? part.clauses : clauseOf(part.texts)).toSorted((a, b) => a.weight - b.weight),
  );
  if (ways.some((clauses) => clauses.length === 0)) return { texts: null, clauses: [], heads, tails };
  const ranks = ways.some((own) => own.length > 1) ? [0, 1] : [0];
  const clauses = ranks.map((rank) => unionOfClauses(ways.map((own) => (own[rank] ?? own[0]) as Clause)));
  return { texts: null, clauses, heads, tails };
}

const isEmpty = (texts: Texts): boolean => texts.size === 1 && texts.has('');

/** What begins every match; null where that is unknown, or nothing. */
function headsOf({ texts, heads }: Needs): Texts | null {
  if (texts === null) return heads;
  return texts.has('') || texts.size > SEAMS_MAX ? null : new Set([...texts].map((text) => text.slice(0, END_MAX)));
}

function tailsOf({ texts, tails }: Needs): Texts | null {
  if (texts === null) return tails;
  return texts.has('') || texts.size > SEAMS_MAX ? null : new Set([...texts].map((text) => text.slice(-END_MAX)));
}

function allOf(sets: readonly (Texts | null)[]): Texts | null {
  const all = new Set<ByteText>();
  for (const set of sets) {
    if (set === null) return null;
    for (const text of set) all.add(text);
  }
  return all.size > SEAMS_MAX ? null : all;
}

/** Where neighbours are too many to join, their ends still meet. */
function seam(tails: Texts | null, heads: Texts | null): readonly Clause[] {
  if (tails === null || heads === null || tails.size * heads.size > SEAMS_MAX) return [];
  return clauseOf(productOf(tails, heads));
}

/** Every text of one before every text of the other; null where that would be too many, or too long. */
function joined(before: Texts, after: Texts): Texts | null {
  if (isEmpty(before)) return after;
  if (isEmpty(after)) return before;
  if (before.size * after.size > PRODUCTS_MAX) return null;
  const texts = productOf(before, after);
  return [...texts].some((text) => text.length > TEXT_MAX) ? null : texts;
}

function productOf(before: Texts, after: Texts): Texts {
  const texts = new Set<ByteText>();
  for (const head of before) for (const tail of after) texts.add(head + tail);
  return texts;
}

/** Bytes one of which is in every match that is not empty; null where there is no such set. */
function takenBy(node: PatternNode): ByteSet | null {
  switch (node.kind) {
    case 'byte':
      return node.set;
    case 'place':
      return null;
    case 'capture':
      return takenBy(node.node);
    case 'repeat':
      return node.min === 0 ? null : takenBy(node.node);
    case 'sequence': {
      const sets = node.nodes.map(takenBy).filter((set) => set !== null);
      return sets.toSorted((a, b) => byteWeight(a) - byteWeight(b))[0] ?? null;
    }
    case 'choice': {
      const sets = node.nodes.map(takenBy);
      return sets.includes(null) ? null : unionOf(sets.filter((set) => set !== null));
    }
  }
}
