// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { BLOCK_BYTES, CONTENT_BLOCKS_MAX, CONTENT_BYTES_MAX } from './layout.ts';

/** Before each variable: lengths of name and value, and until when it is kept. */
const VARIABLE_HEAD = 8;

/**
 * What one collection holds, taken out of the table: a key, and variables. The bytes are drawn in `layout.ts`.
 *
 * Threads: one.
 */
export class CollectionContent {
  // Whole blocks, and room behind, so that even nonsense is read within bounds.
  readonly bytes: Buffer = Buffer.alloc(CONTENT_BLOCKS_MAX * BLOCK_BYTES + VARIABLE_HEAD);
  /** The same memory. */
  readonly words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >> 2);
  /** 0 for none at all. */
  length = 0;

  /** Empty but for its key. @returns  False where the key alone is too long. */
  begin(key: ByteText): boolean {
    this.length = 2 + key.length;
    if (this.length > CONTENT_BYTES_MAX) return false;
    this.bytes.writeUInt16LE(key.length, 0);
    this.bytes.write(key, 2, 'latin1');
    return true;
  }

  isOf(key: ByteText): boolean {
    return this.#short(0) === key.length && this.#holds(2, key);
  }

  get isEmpty(): boolean {
    return this.#first() >= this.length;
  }

  /** Takes out the variables whose time is over. @param now  Seconds. */
  prune(now: number): void {
    for (let at = this.#first(); at < this.length; ) {
      const until = this.untilAt(at);
      if (until !== 0 && until <= now) this.remove(at);
      else at = this.#behind(at);
    }
  }

  /** @returns  Where the variable is; -1 for none. */
  find(name: ByteText): number {
    for (let at = this.#first(); at < this.length; at = this.#behind(at)) {
      if (this.#short(at) === name.length && this.#holds(at + VARIABLE_HEAD, name)) return at;
    }
    return -1;
  }

  nameAt(at: number): ByteText {
    const from = at + VARIABLE_HEAD;
    return this.bytes.toString('latin1', from, from + this.#short(at));
  }

  valueAt(at: number): ByteText {
    return this.bytes.toString('latin1', at + VARIABLE_HEAD + this.#short(at), this.#behind(at));
  }

  /** Seconds; 0 for as long as the collection is. */
  untilAt(at: number): number {
    return this.bytes.readUInt32LE(at + 4);
  }

  setUntil(at: number, until: number): void {
    this.bytes.writeUInt32LE(until, at + 4);
  }

  /** Sets a variable; how long it is kept stays as it was. @returns  False where it does not fit: nothing is set. */
  put(name: ByteText, value: ByteText): boolean {
    const at = this.find(name);
    const size = VARIABLE_HEAD + name.length + value.length;
    const former = at === -1 ? 0 : this.#behind(at) - at;
    if (this.length - former + size > CONTENT_BYTES_MAX) return false;
    const until = at === -1 ? 0 : this.untilAt(at);
    if (at !== -1) this.remove(at);
    const { bytes, length } = this;
    bytes.writeUInt16LE(name.length, length);
    bytes.writeUInt16LE(value.length, length + 2);
    bytes.writeUInt32LE(until, length + 4);
    bytes.write(name, length + VARIABLE_HEAD, 'latin1');
    bytes.write(value, length + VARIABLE_HEAD + name.length, 'latin1');
    this.length = length + size;
    return true;
  }

  remove(at: number): void {
    const behind = this.#behind(at);
    this.bytes.copyWithin(at, behind, this.length);
    this.length -= behind - at;
  }

  /** Every variable: name, value, name, value. */
  list(): ByteText[] {
    const list: ByteText[] = [];
    for (let at = this.#first(); at < this.length; at = this.#behind(at)) list.push(this.nameAt(at), this.valueAt(at));
    return list;
  }

  /** 32 bits that tell torn bytes. Source: after FNV-1a (Fowler, Noll, Vo), by words. */
  checksum(): number {
    const { words } = this;
    const count = (this.length + 3) >> 2;
    this.bytes.fill(0, this.length, count << 2);
    let sum = 0x811c_9dc5;
    for (let i = 0; i < count; i += 1) {
      sum = Math.imul(sum ^ (words[i] as number), 0x0100_0193);
      // By words the upper bits would never reach the lower ones.
      sum ^= sum >>> 15;
    }
    return sum | 0;
  }

  #short(at: number): number {
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8);
  }

  #first(): number {
    return 2 + this.#short(0);
  }

  #behind(at: number): number {
    return at + VARIABLE_HEAD + this.#short(at) + this.#short(at + 2);
  }

  #holds(at: number, text: ByteText): boolean {
    for (let i = 0; i < text.length; i += 1) if (this.bytes[at + i] !== text.charCodeAt(i)) return false;
    return true;
  }
}
