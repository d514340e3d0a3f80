import { formatRecord, type KeyRecord } from './record.ts';
import type { KeyNews, KeyOnWire, KeySnapshot } from './wire.ts';

interface Entry {
  readonly record: KeyRecord;
  /** The record as text, made once. */
  readonly line: string;
}

/**
 * All API keys as the main thread knows them. A store puts in what it has kept; whoever listens is told at once, in the
 * order of the changes.
 *
 * Threads: main.
 */
export class KeyBook {
  /** Told of every change, before the call that made it returns. */
  onNews: (news: KeyNews) => void = () => undefined;
  readonly #entries = new Map<string, Entry>();
  /** Digest -> id. */
  readonly #ids = new Map<string, string>();
  #isLoaded = false;

  get size(): number {
    return this.#entries.size;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  get(id: string): KeyRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  lineOf(id: string): string | undefined {
    return this.#entries.get(id)?.line;
  }

  /** @param digest  Base64url. */
  byDigest(digest: string): KeyRecord | undefined {
    const id = this.#ids.get(digest);
    return id === undefined ? undefined : this.get(id);
  }

  records(): KeyRecord[] {
    return Array.from(this.#entries.values(), ({ record }) => record);
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  /** @param drop  Ids. */
  apply(set: readonly KeyRecord[], drop: readonly string[] = []): void {
    for (const id of drop) this.#remove(id);
    for (const record of set) this.#put(record);
    if (set.length + drop.length === 0) return;
    this.onNews({ kind: 'keys', isLoaded: this.#isLoaded, set: set.map(({ id }) => this.#wireOf(id)), drop });
  }

  /** The store has been read: from here on a key that is not here is nobody's. */
  loaded(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    this.onNews({ kind: 'keys', isLoaded: true, set: [], drop: [] });
  }

  /** For a thread that begins now: all news after this call are newer. */
  snapshot(): KeySnapshot {
    return { isLoaded: this.#isLoaded, keys: this.ids().map((id) => this.#wireOf(id)) };
  }

  #put(record: KeyRecord): void {
    this.#remove(record.id);
    this.#entries.set(record.id, { record, line: formatRecord(record) });
    for (const digest of digestsOf(record)) this.#ids.set(digest, record.id);
  }

  #remove(id: string): void {
    const before = this.#entries.get(id);
    if (before === undefined) return;
    this.#entries.delete(id);
    for (const digest of digestsOf(before.record)) if (this.#ids.get(digest) === id) this.#ids.delete(digest);
  }

  #wireOf(id: string): KeyOnWire {
    const { record, line } = this.#entries.get(id) as Entry;
    return { id, digests: digestsOf(record), line };
  }
}

function digestsOf({ digest, previous }: KeyRecord): string[] {
  return previous === null ? [digest] : [digest, previous.digest];
}
