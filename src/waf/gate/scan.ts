// hot path: synchronous, never throws
import { workBytes, workOn } from '../byte-work.ts';
import { formOf, type Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import { ALL_GROUPS, GROUP_BITS, groupsIn, groupsOfText } from './byte-groups.ts';
import { KIND_BITS, KINDS } from './folded-bytes.ts';
import { HITS_PER_WORD, type Hits, type Seen } from './gate.ts';
import { LITERAL_MAX } from './literals.ts';
import type { ScanTables } from './scan-tables.ts';
import { Sum } from './sum.ts';

const LOWER = groupsOfText('a');
/** Bytes of short values that were looked at lately, for looks at their forms. */
const LAID_BYTES = 65_536;
const ALL_BITS = 2 ** HITS_PER_WORD - 1;

/**
 * From so many bytes on, what transformations make of a value is kept and looked at once: each rule that asked would
 * look at all of it again, as often as there are steps on its way.
 */
const LONG_BYTES = 257;

/**
 * A long value that meets such a share of all clauses is looked at no further: what its forms hold is taken to be
 * everything. Looking at each of some thirty forms costs as much as most rules do, and so few of them would be passed
 * over.
 */
const RICH_SHARE = 1 / 6;

/** Bytes after which it is asked whether a value is rich. */
const BLOCK_BYTES = 4_096;

/**
 * Looks at values once for all operators of a rule set: which clauses they meet, which groups of bytes they hold.
 * A few nanoseconds a byte; what a row of the automaton says is noted once for a value, so that no text costs more.
 */
export class ValueScanner {
  readonly #tables: ScanTables;
  /** Row -> where its words begin in `words` and `bits`. */
  readonly #starts: Int32Array;
  /** What a row adds to the hits: word and bits. */
  readonly #words: Int32Array;
  readonly #bits: Int32Array;
  /** Row -> the last scan that it was noted in. The one table that is a thread's own. */
  readonly #noted: Int32Array;
  #serial = 0;
  readonly #one: Sum;
  readonly #laid = Buffer.allocUnsafe(LAID_BYTES);
  #laidEnd = 0;
  /** How often it was begun anew. */
  #era = 0;
  /** Of values that meet no clause. */
  readonly none: Hits;
  /** Of values that may meet any. */
  readonly #anything: Seen;
  /** So many clauses make a long value rich. */
  readonly #richCount: number;

  constructor(tables: ScanTables) {
    this.#tables = tables;
    this.#starts = tables.starts;
    this.#words = tables.words;
    this.#bits = tables.bits;
    this.none = Array.from({ length: Math.max(1, Math.ceil(tables.count / HITS_PER_WORD)) }, () => 0);
    this.#anything = { hits: this.none.map(() => ALL_BITS), groups: ALL_GROUPS };
    this.#richCount = Math.ceil(tables.count * RICH_SHARE);
    this.#one = new Sum(this.none);
    this.#noted = new Int32Array(tables.starts.length - 1);
  }

  /** Memory of the tables, bytes. */
  get tableBytes(): number {
    const tables = [this.#tables.next, this.#noted, this.#starts, this.#words, this.#bits];
    return tables.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Leaves on the value what was found, unless it was looked at already. */
  look(value: InspectedValue): void {
    if (value.hits !== null) return;
    const sum = this.#one;
    const { length } = value;
    sum.clear();
    if (length >= LONG_BYTES) this.#lookAtLong(value, sum);
    else if (value.isKept) this.#scan(workOn(value.text), 0, length, sum);
    else {
      const at = this.#lay(value);
      this.#scan(this.#laid, at, at + length, sum);
    }
    const { hits, groups } = sum.copy();
    value.hits = hits;
    value.groups = groups;
  }

  /** Block by block, until it is rich: then it may hold anything. */
  #lookAtLong(value: InspectedValue, sum: Sum): void {
    const { length } = value;
    const bytes = workOn(value.text);
    for (let from = 0; from < length && !value.isRich; from += BLOCK_BYTES) {
      const to = Math.min(length, from + BLOCK_BYTES);
      // A literal may lie across two blocks.
      this.#scan(bytes, Math.max(0, from - LITERAL_MAX), to, sum);
      value.isRich = bitCount(sum.hits) >= this.#richCount;
      if (value.isRich && to < length) sum.add(this.#anything);
    }
  }

  /**
   * Adds what a value holds behind a step, or more. Where its transformations work on bytes, the form is not made for
   * that.
   *
   * @param value  One that was looked at.
   */
  behind(value: InspectedValue, step: Step, sum: Sum): void {
    if ((value.groups & step.changedByAll) === 0) sum.add(value as Seen);
    else if (value.length >= LONG_BYTES) this.#addLong(value, step, sum);
    else this.#behind(value, step, sum);
  }

  /**
   * Adds what a value holds as it is and behind each step on the way to another.
   *
   * @param value  One that was looked at.
   */
  along(value: InspectedValue, last: Step, sum: Sum): void {
    if ((value.groups & last.changedByAll) === 0) sum.add(value as Seen);
    else if (value.length >= LONG_BYTES) this.#alongLong(value, last, sum);
    else this.#along(value, last, sum);
  }

  /** Lays the bytes of a value down. @returns  Where they begin. */
  #lay(value: InspectedValue): number {
    const { text, length } = value;
    if (this.#laidEnd + length > LAID_BYTES) {
      this.#laidEnd = 0;
      this.#era += 1;
    }
    const at = this.#laidEnd;
    const laid = this.#laid;
    for (let i = 0; i < length; i += 1) laid[at + i] = text.charCodeAt(i);
    this.#laidEnd = at + length;
    value.laidAt = at;
    value.laidEra = this.#era;
    return at;
  }

  /** The bytes of a value, to be changed in place: as `workOn`, but quicker where they lie at hand. */
  #workOn({ text, length, laidAt, laidEra }: InspectedValue): Buffer {
    if (laidEra !== this.#era) return workOn(text);
    const bytes = workBytes(length);
    const laid = this.#laid;
    for (let i = 0; i < length; i += 1) bytes[i] = laid[laidAt + i] as number;
    return bytes;
  }

  #behind(value: InspectedValue, step: Step, sum: Sum): void {
    const { text } = value;
    let { groups } = value;
    let bytes: Buffer | null = null;
    let { length } = value;
    const { path } = step;
    for (let i = 0; i < path.length; i += 1) {
      const one = path[i] as Step;
      if ((groups & one.changedBy) === 0 || (bytes === null && one.mayChange?.(text) === false)) continue;
      // Literals ignore case; what comes behind may not.
      if (one.isLowercase && one === step) sum.groups |= LOWER;
      else if (one.work === null) {
        this.#addForm(value, step, sum);
        return;
      } else {
        bytes ??= this.#workOn(value);
        length = one.work(bytes, length);
        groups = groupsIn(bytes, length);
      }
    }
    if (bytes === null) sum.add(value as Seen);
    else this.#scan(bytes, 0, length, sum);
  }

  #along(value: InspectedValue, last: Step, sum: Sum): void {
    const { text } = value;
    let { groups } = value;
    let bytes: Buffer | null = null;
    let { length } = value;
    sum.add(value as Seen);
    const { path } = last;
    for (let i = 0; i < path.length; i += 1) {
      const one = path[i] as Step;
      if ((groups & one.changedBy) === 0 || (bytes === null && one.mayChange?.(text) === false)) continue;
      if (one.work === null) {
        for (const step of path) this.#addForm(value, step, sum);
        return;
      }
      bytes ??= this.#workOn(value);
      length = one.work(bytes, length);
      groups = this.#scan(bytes, 0, length, sum);
    }
  }

  #addLong(value: InspectedValue, step: Step, sum: Sum): void {
    if (value.isRich) {
      sum.add(this.#anything);
      return;
    }
    const { before, isLowercase } = step;
    // Literals ignore case; what comes behind may not.
    if (isLowercase && before !== null) {
      this.#addForm(value, before, sum);
      sum.groups |= LOWER;
    } else this.#addForm(value, step, sum);
  }

  #alongLong(value: InspectedValue, last: Step, sum: Sum): void {
    sum.add(value as Seen);
    for (const step of last.path) this.#addLong(value, step, sum);
  }

  #addForm(value: InspectedValue, step: Step, sum: Sum): void {
    const form = formOf(value, step);
    this.look(form);
    if (form.isRich) value.isRich = true;
    sum.add(form as Seen);
  }

  /** @returns  Groups of the bytes. */
  #scan(bytes: Buffer, from: number, to: number, sum: Sum): number {
    const { next, firstOutput } = this.#tables;
    const seen = this.#noted;
    this.#serial = (this.#serial + 1) & ALL_GROUPS;
    const serial = this.#serial;
    let hits: number[] | null = null;
    let groups = 0;
    let state = 0;
    for (let i = from; i < to; i += 1) {
      const byte = bytes[i] as number;
      groups |= GROUP_BITS[byte] as number;
      state = next[(state << KIND_BITS) | (KINDS[byte] as number)] as number;
      if (state < firstOutput || seen[state] === serial) continue;
      seen[state] = serial;
      hits ??= sum.words();
      this.#note(hits, state);
    }
    sum.groups |= groups;
    return groups;
  }

  #note(hits: number[], row: number): void {
    const end = this.#starts[row + 1] as number;
    for (let i = this.#starts[row] as number; i < end; i += 1) {
      const word = this.#words[i] as number;
      hits[word] = (hits[word] as number) | (this.#bits[i] as number);
    }
  }
}

function bitCount(hits: Hits): number {
  let count = 0;
  for (const word of hits) for (let left = word; left !== 0; left &= left - 1) count += 1;
  return count;
}
