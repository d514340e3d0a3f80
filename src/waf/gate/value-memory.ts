// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { InspectedValue } from '../value.ts';

/** Longer values are forgotten with their request. */
const TEXT_BYTES_MAX = 256;
/** Values of one generation; the one before it is kept as well. Some kilobytes each at most. */
const GENERATION_MAX = 2_048;
/** Values that were seen once: places for their hashes, and how many are noted before all are forgotten. */
const SEEN_ONCE = 16_384;
const SIGHTINGS_MAX = 4_096;

/**
 * Values that several requests had, with all that is known of them by the rules of one rule set: names of members, and
 * what browsers say of themselves, come again with each request. What a rule says of a value does not depend on the
 * request, so no verdict does on what is kept here.
 *
 * Threads: one instance each.
 */
export class ValueMemory {
  #young = new Map<ByteText, InspectedValue>();
  #old = new Map<ByteText, InspectedValue>();
  /** By hash: a value is kept when it comes a second time soon, since most never do. */
  readonly #seenOnce = new Int32Array(SEEN_ONCE);
  #sightings = 0;

  /** A value that is kept, and kept on by that; undefined for others. */
  find(text: ByteText): InspectedValue | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.#keep(old);
    return old;
  }

  /** A value that is not kept: keeps it if it came before. @returns  Null if it did not. */
  admit(text: ByteText): InspectedValue | null {
    if (text.length > TEXT_BYTES_MAX) return null;
    const hash = hashOf(text);
    const slot = hash & (SEEN_ONCE - 1);
    if (this.#seenOnce[slot] !== hash) {
      this.#noteSighting(slot, hash);
      return null;
    }
    // A copy: the text may be a slice that holds on to a whole body.
    const value = new InspectedValue(Buffer.from(text, 'latin1').toString('latin1'), this, true);
    this.#keep(value);
    return value;
  }

  #noteSighting(slot: number, hash: number): void {
    this.#sightings += 1;
    if (this.#sightings > SIGHTINGS_MAX) {
      this.#sightings = 0;
      this.#seenOnce.fill(0);
    }
    this.#seenOnce[slot] = hash;
  }

  #keep(value: InspectedValue): void {
    if (this.#young.size >= GENERATION_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(value.text, value);
  }
}

/** FNV-1a (draft-eastlake-fnv): only chooses what is worth keeping. */
function hashOf(text: ByteText): number {
  let hash = 0x811c_9dc5 | 0;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return hash;
}
