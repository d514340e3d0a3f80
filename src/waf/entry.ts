// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';

/** One member of a SecLang collection: `ARGS:id`. Names repeat. */
export interface Entry {
  readonly name: ByteText;
  readonly value: ByteText;
}

export const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** Names of collections are compared without regard to case. @param lower  Lower case already. */
export function isNamed(name: ByteText, lower: ByteText): boolean {
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower);
}

/** A collection that rules write: TX, ENV. One value to a name, names without regard to case, in order of arrival. */
export class NamedValues {
  readonly #entries = new Map<ByteText, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** @param lower  Lower-case name. */
  find(lower: ByteText): Entry | undefined {
    return this.#entries.get(lower);
  }

  set(name: ByteText, value: ByteText): void {
    this.#entries.set(name.toLowerCase(), { name, value });
  }

  delete(name: ByteText): void {
    this.#entries.delete(name.toLowerCase());
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
