// hot path: synchronous, never throws
import { workOn } from '../byte-work.ts';
import { formOf, type Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import { ALL_GROUPS, GROUP_BITS, groupsIn, groupsOfText } from './byte-groups.ts';
import { KIND_BITS, KINDS } from './folded-bytes.ts';
import type { Hits, Seen } from './gate.ts';
import type { ScanTables } from './scan-tables.ts';
import { Sum } from './sum.ts';

const LOWER = groupsOfText('a');

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
  /** Of values that meet no clause. */
  readonly none: Hits;

  constructor(tables: ScanTables) {
    this.#tables = tables;
    this.#starts = tables.starts;
    this.#words = tables.words;
    this.#bits = tables.bits;
    this.none = Array.from({ length: tables.wordCount }, () => 0);
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
    sum.clear();
    this.#scan(workOn(value.text), value.text.length, sum);
    const { hits, groups } = sum.copy();
    value.hits = hits;
    value.groups = groups;
  }

  /**
   * Adds what a value holds behind a step, or more. Where its transformations work on bytes, the form is not made for
   * that.
   *
   * @param value  One that was looked at.
   */
  behind(value: InspectedValue, step: Step, sum: Sum): void {
    if ((value.groups & step.changedByAll) === 0) sum.add(value as Seen);
    else if (!value.isKept) this.#behind(value, step, sum);
    else sum.add(value.behind?.[step.index] ?? this.#keepBehind(value, step));
  }

  /**
   * Adds what a value holds as it is and behind each step on the way to another.
   *
   * @param value  One that was looked at.
   */
  along(value: InspectedValue, last: Step, sum: Sum): void {
    if ((value.groups & last.changedByAll) === 0) sum.add(value as Seen);
    else if (!value.isKept) this.#along(value, last, sum);
    else sum.add(value.along?.[last.index] ?? this.#keepAlong(value, last));
  }

  #keepBehind(value: InspectedValue, step: Step): Seen {
    const seen = new Sum(this.none);
    this.#behind(value, step, seen);
    value.behind ??= [];
    value.behind[step.index] = seen;
    return seen;
  }

  #keepAlong(value: InspectedValue, last: Step): Seen {
    const seen = new Sum(this.none);
    this.#along(value, last, seen);
    value.along ??= [];
    value.along[last.index] = seen;
    return seen;
  }

  #behind(value: InspectedValue, step: Step, sum: Sum): void {
    const { text } = value;
    let { groups } = value;
    let bytes: Buffer | null = null;
    let { length } = text;
    for (const one of step.path) {
      if ((groups & one.changedBy) === 0 || (bytes === null && one.mayChange?.(text) === false)) continue;
      // Literals ignore case; what comes behind may not.
      if (one.isLowercase && one === step) sum.groups |= LOWER;
      else if (one.work === null) {
        this.#addForm(value, step, sum);
        return;
      } else {
        bytes ??= workOn(text);
        length = one.work(bytes, length);
        groups = groupsIn(bytes, length);
      }
    }
    if (bytes === null) sum.add(value as Seen);
    else this.#scan(bytes, length, sum);
  }

  #along(value: InspectedValue, last: Step, sum: Sum): void {
    const { text } = value;
    let { groups } = value;
    let bytes: Buffer | null = null;
    let { length } = text;
    sum.add(value as Seen);
    for (const one of last.path) {
      if ((groups & one.changedBy) === 0 || (bytes === null && one.mayChange?.(text) === false)) continue;
      if (one.work === null) {
        for (const step of last.path) this.#addForm(value, step, sum);
        return;
      }
      bytes ??= workOn(text);
      length = one.work(bytes, length);
      groups = this.#scan(bytes, length, sum);
    }
  }

  #addForm(value: InspectedValue, step: Step, sum: Sum): void {
    const form = formOf(value, step);
    this.look(form);
    sum.add(form as Seen);
  }

  /** @returns  Groups of the bytes. */
  #scan(bytes: Buffer, length: number, sum: Sum): number {
    const { next, firstOutput } = this.#tables;
    const seen = this.#noted;
    this.#serial = (this.#serial + 1) & ALL_GROUPS;
    const serial = this.#serial;
    let hits: number[] | null = null;
    let groups = 0;
    let state = 0;
    for (let i = 0; i < length; i += 1) {
      const byte = bytes[i] as number;
      groups |= GROUP_BITS[byte] as number;
      state = next[state + (KINDS[byte] as number)] as number;
      if (state < firstOutput) continue;
      const row = state >> KIND_BITS;
      if (seen[row] === serial) continue;
      seen[row] = serial;
      hits ??= sum.words();
      this.#note(hits, row);
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
