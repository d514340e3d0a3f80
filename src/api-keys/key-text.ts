// hot path: synchronous, never throws

/**
 * The text of an API key: `sp_ENVIRONMENT_RANDOM_CHECKSUM`.
 *
 * RANDOM has 32 characters of base58 (no 0, O, I and l, which people confuse): 187 bits. CHECKSUM is the CRC-32 (IEEE
 * 802.3) of all that stands before its `_`, in six digits of base58, the highest first. It needs no secret: a scanner
 * that finds a key in a repository knows it for one, and junk is refused here without a look-up.
 */

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BASE = ALPHABET.length;
export const RANDOM_LENGTH = 32;
/** 58^6 is above 2^32. */
const CHECKSUM_LENGTH = 6;
const ENVIRONMENT = /^sp_([a-z0-9]{1,16})_/;
/** With the longest environment. */
export const KEY_TEXT_LENGTH_MAX = 3 + 16 + 1 + RANDOM_LENGTH + 1 + CHECKSUM_LENGTH;

const UNDERSCORE = 0x5f;
/** Value of a digit by character, 255 for what is none. */
const DIGITS: Uint8Array = digits();
const CRC: Int32Array = crcTable();

/** What is wrong with a text that is no key of this gateway. */
export type KeyFault = 'form' | 'environment' | 'checksum';

/** Keys of one environment. */
export class KeyForm {
  /** Of every key. */
  readonly length: number;
  readonly #start: string;
  /** State of the CRC behind `#start`. */
  readonly #crc: number;

  /** @param environment  `[a-z0-9]{1,16}`. */
  constructor(environment: string) {
    this.#start = `sp_${environment}_`;
    this.length = this.#start.length + RANDOM_LENGTH + 1 + CHECKSUM_LENGTH;
    let crc = -1;
    for (let i = 0; i < this.#start.length; i += 1) crc = nextCrc(crc, this.#start.charCodeAt(i));
    this.#crc = crc;
  }

  /** @param random  32 digits, from `randomDigits`. @returns  The key. */
  text(random: string): string {
    let crc = this.#crc;
    for (let i = 0; i < random.length; i += 1) crc = nextCrc(crc, random.charCodeAt(i));
    let rest = ~crc >>> 0;
    let checksum = '';
    for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
      checksum = ALPHABET.charAt(rest % BASE) + checksum;
      rest = Math.floor(rest / BASE);
    }
    return `${this.#start}${random}_${checksum}`;
  }

  /** @returns  Null for a text that is a key of this environment, known or not. Looks at no more than its length. */
  fault(text: string): KeyFault | null {
    if (text.length !== this.length || !text.startsWith(this.#start)) return this.#why(text);
    let at = this.#start.length;
    let crc = this.#crc;
    for (const end = at + RANDOM_LENGTH; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 127 || DIGITS[code] === 255) return 'form';
      crc = nextCrc(crc, code);
    }
    if (text.charCodeAt(at) !== UNDERSCORE) return 'form';
    let found = 0;
    for (at += 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      const digit = code > 127 ? 255 : (DIGITS[code] as number);
      if (digit === 255) return 'form';
      found = found * BASE + digit;
    }
    return found === ~crc >>> 0 ? null : 'checksum';
  }

  #why(text: string): KeyFault {
    if (text.length > KEY_TEXT_LENGTH_MAX) return 'form';
    const other = ENVIRONMENT.exec(text);
    return other !== null && other[0] !== this.#start ? 'environment' : 'form';
  }
}

/**
 * @param bytes  Random ones, some more than digits are wanted: those of 232 and above are left out, so that every digit
 *               is as likely as any other.
 * @returns  32 digits; null when the bytes did not suffice.
 */
export function randomDigits(bytes: Uint8Array): string | null {
  let text = '';
  for (const byte of bytes) {
    if (byte < BASE * 4) text += ALPHABET.charAt(byte % BASE);
    if (text.length === RANDOM_LENGTH) return text;
  }
  return null;
}

function nextCrc(crc: number, code: number): number {
  return (crc >>> 8) ^ (CRC[(crc ^ code) & 255] as number);
}

function crcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    table[byte] = value;
  }
  return table;
}

function digits(): Uint8Array {
  const values = new Uint8Array(128).fill(255);
  for (let digit = 0; digit < BASE; digit += 1) values[ALPHABET.charCodeAt(digit)] = digit;
  return values;
}
