// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { remembered } from '../base/remembered.ts';
import type { InspectedValue } from './value.ts';

/** One member of a SecLang collection: `ARGS:id`. Names repeat. */
export interface Entry {
  readonly name: ByteText;
  readonly value: ByteText;
  /** What the engine made of the value, kept so that no rule looks it up again. */
  inspected?: InspectedValue;
  /** It outlives the request, and keeps nothing of it. */
  readonly isShared?: true;
}

export const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** Names of collections are compared without regard to case. @param lower  Lower case already. */
export function isNamed(name: ByteText, lower: ByteText): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower);
}

/** Value of the first member of that name; undefined without one. @param lower  Lower-case name. */
export function valueNamed(entries: readonly Entry[], lower: ByteText): ByteText | undefined {
  return entries.find(({ name }) => isNamed(name, lower))?.value;
}

/**
 * A collection that rules write: TX, ENV. One value to a name, names without regard to case, in order of arrival; what
 * it begins with comes first and is shared with all other requests, until something of it is deleted.
 */
export class NamedValues {
  #shared: ReadonlyMap<ByteText, Entry>;
  /** What was written: in the place of what is shared, or behind it. */
  #own = new Map<ByteText, Entry>();
  readonly #bytesMax: number;
  #bytes = 0;
  #isOver = false;

  /**
   * @param bytesMax  Of all names and values that are written.
   * @param shared    What it begins with, by lower-case name; stays as it is.
   */
  constructor(bytesMax: number, shared: ReadonlyMap<ByteText, Entry> = NOTHING_SHARED) {
    this.#bytesMax = bytesMax;
    this.#shared = shared;
  }

  /** Something was not kept because it would have been too much: what rules see of it is not what they wrote. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param lower  Lower-case name. */
  find(lower: ByteText): Entry | undefined {
    return this.#own.get(lower) ?? this.#shared.get(lower);
  }

  set(name: ByteText, value: ByteText): void {
    const lower = lowerOf(name);
    const bytes = this.#bytes + name.length + value.length - this.#bytesOf(lower);
    if (bytes > this.#bytesMax) {
      this.#isOver = true;
      return;
    }
    this.#bytes = bytes;
    this.#own.set(lower, { name, value });
  }

  delete(name: ByteText): void {
    const lower = name.toLowerCase();
    if (this.#shared.has(lower)) {
      this.#own = new Map(this.entries().map((entry) => [entry.name.toLowerCase(), entry]));
      this.#shared = NOTHING_SHARED;
    }
    this.#bytes -= this.#bytesOf(lower);
    this.#own.delete(lower);
  }

  /** What it holds now, to come back to. */
  mark(): NamedValuesMark {
    return { shared: this.#shared, own: new Map(this.#own), bytes: this.#bytes, isOver: this.#isOver };
  }

  /** Holds again what it held then. @param mark  Once. */
  restore(mark: NamedValuesMark): void {
    this.#shared = mark.shared;
    this.#own = mark.own;
    this.#bytes = mark.bytes;
    this.#isOver = mark.isOver;
  }

  #bytesOf(lower: ByteText): number {
    const entry = this.#own.get(lower);
    return entry === undefined || entry.isShared === true ? 0 : entry.name.length + entry.value.length;
  }

  entries(): Entry[] {
    return this.select(ANY_NAME);
  }

  /** Those whose names pass, in order. */
  select(names: NameTest): Entry[] {
    const entries = sharedNamed(this.#shared, names).map((entry) => this.#own.get(entry.name.toLowerCase()) ?? entry);
    this.#own.forEach((entry, lower) => {
      if (names(entry.name) && !this.#shared.has(lower)) entries.push(entry);
    });
    return entries;
  }
}

/** Of NamedValues alone. */
export interface NamedValuesMark {
  readonly shared: ReadonlyMap<ByteText, Entry>;
  readonly own: Map<ByteText, Entry>;
  readonly bytes: number;
  readonly isOver: boolean;
}

const NOTHING_SHARED: ReadonlyMap<ByteText, Entry> = new Map();

/** Names in lower case that a thread keeps, and how long they are at most. */
const NAMES_MAX = 1_024;
const NAME_BYTES_MAX = 64;
const lowerOf = remembered((name) => name.toLowerCase(), NAMES_MAX, NAME_BYTES_MAX);

const ANY_NAME: NameTest = () => true;

type NameTest = (name: ByteText) => boolean;

/** What rules choose of values that never change: chosen once. */
const chosen = new WeakMap<ReadonlyMap<ByteText, Entry>, WeakMap<NameTest, readonly Entry[]>>();

function sharedNamed(shared: ReadonlyMap<ByteText, Entry>, names: NameTest): readonly Entry[] {
  let ofShared = chosen.get(shared);
  if (ofShared === undefined) {
    ofShared = new WeakMap();
    chosen.set(shared, ofShared);
  }
  let entries = ofShared.get(names);
  if (entries === undefined) {
    entries = [...shared.values()].filter(({ name }) => names(name));
    ofShared.set(names, entries);
  }
  return entries;
}

/** Numbers as SecLang reads them: digits in front with a sign, else 0. */
export function numberOf(text: ByteText): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d{1,15})/.exec(text)?.[1];
  return digits === undefined ? 0 : Number(digits);
}
