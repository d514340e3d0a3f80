// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { InspectedValue } from './value.ts';

/** One member of a SecLang collection: `ARGS:id`. Names repeat. */
export interface Entry {
  readonly name: ByteText;
  readonly value: ByteText;
  /** What the engine made of the value, kept so that no rule looks it up again. */
  inspected?: InspectedValue;
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

/** A collection that rules write: TX, ENV. One value to a name, names without regard to case, in order of arrival. */
export class NamedValues {
  readonly #entries = new Map<ByteText, Entry>();
  readonly #bytesMax: number;
  #bytes = 0;
  #isOver = false;

  /** @param bytesMax  Of all names and values. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Something was not kept because it would have been too much: what rules see of it is not what they wrote. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param lower  Lower-case name. */
  find(lower: ByteText): Entry | undefined {
    return this.#entries.get(lower);
  }

  set(name: ByteText, value: ByteText): void {
    const lower = name.toLowerCase();
    const bytes = this.#bytes + name.length + value.length - this.#bytesOf(lower);
    if (bytes > this.#bytesMax) {
      this.#isOver = true;
      return;
    }
    this.#bytes = bytes;
    this.#entries.set(lower, { name, value });
  }

  delete(name: ByteText): void {
    const lower = name.toLowerCase();
    this.#bytes -= this.#bytesOf(lower);
    this.#entries.delete(lower);
  }

  #bytesOf(lower: ByteText): number {
    const entry = this.#entries.get(lower);
    return entry === undefined ? 0 : entry.name.length + entry.value.length;
  }

  entries(): Entry[] {
    return [...this.#entries.values()];
  }
}

/** Numbers as SecLang reads them: digits in front with a sign, else 0. */
export function numberOf(text: ByteText): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d{1,15})/.exec(text)?.[1];
  return digits === undefined ? 0 : Number(digits);
}
