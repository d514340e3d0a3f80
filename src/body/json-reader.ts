// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { JSON_NAME_BYTES_LEAST, JSON_NAME_BYTES_PER_BYTE } from '../limits.ts';
import type { Found } from './found.ts';
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET } from './json-bytes.ts';
import { JsonScanner } from './json-scanner.ts';

/**
 * Walks one JSON text, without recursion, and names each value by its way. Names share their beginnings as ropes; once
 * flat they could be as long as depth times values, so their sum is bounded by the length of the body.
 */
export class JsonReader {
  readonly #scanner: JsonScanner;
  readonly #found: Found;
  readonly #depthMax: number;
  /** One entry per open container: how the names in it begin, and the index of its next element, -1 for an object. */
  readonly #prefixes: ByteText[] = [];
  readonly #nextIndexes: number[] = [];
  #nameBytesLeft: number;

  constructor(body: ByteText, depthMax: number, found: Found) {
    this.#scanner = new JsonScanner(body, found);
    this.#depthMax = depthMax;
    this.#found = found;
    this.#nameBytesLeft = JSON_NAME_BYTES_LEAST + JSON_NAME_BYTES_PER_BYTE * body.length;
  }

  /** An integer that 64 bits may not hold. */
  get hasLongInteger(): boolean {
    return this.#scanner.hasLongInteger;
  }

  /** @returns  Whether the whole text was read; where not, `found.error` says why. */
  read(): boolean {
    const scanner = this.#scanner;
    if (!this.#value('json')) return false;
    while (this.#prefixes.length > 0) {
      if (!this.#afterValue()) return false;
    }
    return scanner.next() === -1 || scanner.fail('something follows the value');
  }

  /** Reads a scalar, or opens a container up to its first value, or closes it where it is empty. */
  #value(firstName: ByteText): boolean {
    const scanner = this.#scanner;
    for (let name = firstName; ; ) {
      const byte = scanner.next();
      if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) {
        const text = scanner.scalar(byte);
        return text !== null && this.#give(name, text);
      }
      scanner.at += 1;
      if (this.#prefixes.length === this.#depthMax) return scanner.fail(`is nested deeper than ${this.#depthMax}`);
      const isArray = byte === OPEN_BRACKET;
      if (scanner.next() === (isArray ? CLOSE_BRACKET : CLOSE_BRACE)) {
        scanner.at += 1;
        // The name of an empty container is given, or nobody would look at it. The outermost has none.
        return name === 'json' || this.#give(name, '');
      }
      const prefix = name + (isArray ? '.array_' : '.');
      this.#prefixes.push(prefix);
      this.#nextIndexes.push(isArray ? 1 : -1);
      if (isArray) {
        name = `${prefix}0`;
      } else {
        const key = scanner.key();
        if (key === null) return false;
        name = memberName(prefix, key);
      }
    }
  }

  /** Behind a value: closes its container, or reads the next value in it. */
  #afterValue(): boolean {
    const scanner = this.#scanner;
    const top = this.#prefixes.length - 1;
    const prefix = this.#prefixes[top] as ByteText;
    const index = this.#nextIndexes[top] as number;
    const byte = scanner.next();
    if (byte === (index < 0 ? CLOSE_BRACE : CLOSE_BRACKET)) {
      scanner.at += 1;
      this.#prefixes.pop();
      this.#nextIndexes.pop();
      return true;
    }
    if (byte !== COMMA) return scanner.fail(byte === -1 ? 'ends too early' : 'a comma is missing');
    scanner.at += 1;
    if (index >= 0) {
      this.#nextIndexes[top] = index + 1;
      return this.#value(prefix + index);
    }
    const key = scanner.key();
    return key !== null && this.#value(memberName(prefix, key));
  }

  #give(name: ByteText, value: ByteText): boolean {
    this.#nameBytesLeft -= name.length;
    if (this.#nameBytesLeft < 0) return this.#found.fail('has names too long for its length');
    return this.#found.argument(name, value);
  }
}

/** ModSecurity's word for a member without a name. */
function memberName(prefix: ByteText, key: ByteText): ByteText {
  return prefix + (key === '' ? 'empty-key' : key);
}
