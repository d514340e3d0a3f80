// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';
import type { OpenCollection, OpenCollections } from './open-collections.ts';

/** Collections kept at once; past it the one that was opened longest ago goes. */
const COLLECTIONS_MAX = 16_384;
/** Variables of one: rules name them, requests do not. */
const VARIABLES_MAX = 64;

interface Variable {
  name: ByteText;
  value: ByteText;
  /** Milliseconds; Infinity for as long as its collection. */
  endsAtMs: number;
}

/**
 * Collections of `initcol` in the memory of one thread. Counts of one client are apart on each thread that its
 * connections end at.
 *
 * Threads: one instance each.
 */
export class ThreadCollections implements OpenCollections {
  readonly #kept = new Map<string, KeptCollection>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  open(collection: string, key: ByteText, timeoutSeconds: number): OpenCollection {
    const name = `${collection}\0${key}`;
    const nowMs = this.#nowMs();
    const known = this.#kept.get(name);
    const kept = known === undefined || known.endsAtMs <= nowMs ? new KeptCollection(this.#nowMs) : known;
    kept.endsAtMs = nowMs + timeoutSeconds * 1_000;
    // Behind all others: the first is the one to go.
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > COLLECTIONS_MAX) this.#kept.delete(this.#kept.keys().next().value ?? '');
    return kept;
  }
}

class KeptCollection implements OpenCollection {
  endsAtMs = 0;
  readonly #variables = new Map<ByteText, Variable>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get(name: ByteText): ByteText | undefined {
    return this.#find(name)?.value;
  }

  set(name: ByteText, value: ByteText): void {
    const variable = this.#find(name);
    if (variable !== undefined) variable.value = value;
    else if (this.#variables.size < VARIABLES_MAX) {
      this.#variables.set(name.toLowerCase(), { name, value, endsAtMs: Number.POSITIVE_INFINITY });
    }
  }

  add(name: ByteText, by: number): void {
    const before = Number.parseInt(this.get(name) ?? '0', 10);
    this.set(name, String((Number.isNaN(before) ? 0 : before) + by));
  }

  unset(name: ByteText): void {
    this.#variables.delete(name.toLowerCase());
  }

  expire(name: ByteText, seconds: number): void {
    const variable = this.#find(name);
    if (variable !== undefined) variable.endsAtMs = this.#nowMs() + seconds * 1_000;
  }

  entries(): readonly Entry[] {
    const nowMs = this.#nowMs();
    return [...this.#variables.values()].filter(({ endsAtMs }) => endsAtMs > nowMs);
  }

  #find(name: ByteText): Variable | undefined {
    const lower = name.toLowerCase();
    const variable = this.#variables.get(lower);
    if (variable === undefined || variable.endsAtMs > this.#nowMs()) return variable;
    this.#variables.delete(lower);
    return undefined;
  }
}
