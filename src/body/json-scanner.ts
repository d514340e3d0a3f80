// hot path: synchronous, never throws
import { HEX_VALUES } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';
import type { Found } from './found.ts';
import {
  BACKSLASH,
  COLON,
  isJsonSpace,
  LOWER_E,
  LOWER_U,
  MINUS,
  NINE,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from './json-bytes.ts';
import { utf8OfCodePoint } from './utf8.ts';

/** Longer integers may not fit into 64 bits: 18446744073709551615 has 20 digits, 9223372036854775807 has 19. */
const INTEGER_DIGITS_SURE = 18;
/** Numbers without an exponent and with no more characters are finite: the largest double has 309 digits. */
const FINITE_LENGTH_MAX = 308;
const LEAST_PRINTABLE = 0x20;

/** What `\n` and the like stand for. */
const ESCAPES: ReadonlyMap<number, string> = new Map(
  [...'"\\/']
    .map((c): [number, string] => [c.charCodeAt(0), c])
    .concat([
      [0x62, '\b'],
      [0x66, '\f'],
      [0x6e, '\n'],
      [0x72, '\r'],
      [0x74, '\t'],
    ]),
);

/** Words of a JSON text, one after the other. The text is UTF-8. */
export class JsonScanner {
  /** Offset of the next byte. */
  at = 0;
  hasLongInteger = false;
  readonly #body: ByteText;
  readonly #found: Found;

  constructor(body: ByteText, found: Found) {
    this.#body = body;
    this.#found = found;
  }

  /** Says what is wrong, and where: false. */
  fail(reason: string): false {
    return this.#found.fail(`${reason} (byte ${this.at})`);
  }

  /** Skips white space. @returns  The byte there; -1 at the end. */
  next(): number {
    const body = this.#body;
    let at = this.at;
    while (at < body.length && isJsonSpace(body.charCodeAt(at))) at += 1;
    this.at = at;
    return at < body.length ? body.charCodeAt(at) : -1;
  }

  /** A member's name and its colon. @returns  Null where they are not there. */
  key(): ByteText | null {
    if (this.next() !== QUOTE) {
      this.fail('the name of a member is missing');
      return null;
    }
    const key = this.#string();
    if (key === null) return null;
    if (this.next() !== COLON) {
      this.fail('a colon is missing');
      return null;
    }
    this.at += 1;
    return key;
  }

  /** @param byte  That at `at`. @returns  Numbers as written, strings decoded, '' for null; null for no value. */
  scalar(byte: number): ByteText | null {
    if (byte === QUOTE) return this.#string();
    if (byte === MINUS || isDigit(byte)) return this.#number();
    if (this.#word('true')) return 'true';
    if (this.#word('false')) return 'false';
    if (this.#word('null')) return '';
    this.fail(byte === -1 ? 'ends too early' : 'is no value');
    return null;
  }

  #word(word: string): boolean {
    if (!this.#body.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** From its opening quote to behind its closing one. */
  #string(): ByteText | null {
    const body = this.#body;
    let pieces: string[] | null = null;
    let from = this.at + 1;
    for (let at = from; at < body.length; at += 1) {
      const byte = body.charCodeAt(at);
      if (byte === QUOTE) {
        this.at = at + 1;
        const last = body.slice(from, at);
        if (pieces === null) return last;
        pieces.push(last);
        return pieces.join('');
      }
      if (byte === BACKSLASH) {
        pieces ??= [];
        if (at > from) pieces.push(body.slice(from, at));
        this.at = at;
        const piece = this.#escape();
        if (piece === null) return null;
        pieces.push(piece);
        from = this.at;
        at = from - 1;
      } else if (byte < LEAST_PRINTABLE) {
        this.at = at;
        this.fail('a control character in a string');
        return null;
      }
    }
    this.at = body.length;
    this.fail('a string does not end');
    return null;
  }

  /** From its backslash to behind it. */
  #escape(): string | null {
    const letter = this.at + 1 < this.#body.length ? this.#body.charCodeAt(this.at + 1) : -1;
    if (letter !== LOWER_U) {
      const character = ESCAPES.get(letter);
      if (character === undefined) this.fail('an escape that is none');
      this.at += 2;
      return character ?? null;
    }
    const unit = this.#unit();
    if (unit < 0) return null;
    if (unit < 0xd800 || unit > 0xdfff) return utf8OfCodePoint(unit);
    // Halves of a pair have no UTF-8, and readers replace, keep or refuse them.
    const low = unit < 0xdc00 && this.#body.startsWith('\\u', this.at) ? this.#unit() : 0;
    if (low < 0) return null;
    if (low < 0xdc00 || low > 0xdfff) {
      this.fail('half a surrogate pair');
      return null;
    }
    return utf8OfCodePoint(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
  }

  /** `\u0041` to behind it. @returns  -1 where it has not four digits. */
  #unit(): number {
    const body = this.#body;
    let unit = 0;
    for (let at = this.at + 2; at < this.at + 6; at += 1) {
      const digit = at < body.length ? (HEX_VALUES[body.charCodeAt(at)] as number) : 255;
      if (digit === 255) {
        this.fail('an escape that is none');
        return -1;
      }
      unit = unit * 16 + digit;
    }
    this.at += 6;
    return unit;
  }

  #number(): ByteText | null {
    const body = this.#body;
    const from = this.at;
    let at = from;
    if (body.charCodeAt(at) === MINUS) at += 1;
    const integerFrom = at;
    at = this.#digitsFrom(at);
    const digits = at - integerFrom;
    let isWhole = digits > 0 && (digits === 1 || body.charCodeAt(integerFrom) !== ZERO);
    let isInteger = true;
    if (body.charCodeAt(at) === POINT) {
      isInteger = false;
      const fraction = at + 1;
      at = this.#digitsFrom(fraction);
      isWhole &&= at > fraction;
    }
    let hasExponent = false;
    if ((body.charCodeAt(at) | 0x20) === LOWER_E) {
      hasExponent = true;
      isInteger = false;
      at += 1;
      const sign = body.charCodeAt(at);
      const exponent = sign === PLUS || sign === MINUS ? at + 1 : at;
      at = this.#digitsFrom(exponent);
      isWhole &&= at > exponent;
    }
    this.at = at;
    if (!isWhole) {
      this.fail('a number that is none');
      return null;
    }
    const text = body.slice(from, at);
    if ((hasExponent || text.length > FINITE_LENGTH_MAX) && !Number.isFinite(Number(text))) {
      this.fail('a number that is too large');
      return null;
    }
    if (isInteger && digits > INTEGER_DIGITS_SURE) this.hasLongInteger = true;
    return text;
  }

  #digitsFrom(from: number): number {
    let at = from;
    while (at < this.#body.length && isDigit(this.#body.charCodeAt(at))) at += 1;
    return at;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
