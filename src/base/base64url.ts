// hot path: synchronous, never throws

/** Value 0-63 of a base64url digit by byte, 255 for every other byte. */
const DIGITS: Uint8Array = digits();

/**
 * Is this the one base64url text of some bytes (RFC 4648 5, without padding)? A text that a lenient decoder takes as
 * well, with other digits, blanks, padding, or bits set behind the last byte, is not: two texts of the same bytes would
 * pass for two tokens.
 *
 * @param text  Any text; `[from, to)` lies within it. Empty is the text of no bytes.
 */
export function isBase64Url(text: string, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0xff || DIGITS[code] === 255) return false;
  }
  const rest = (to - from) & 3;
  if (rest === 0) return true;
  if (rest === 1) return false;
  const last = DIGITS[text.charCodeAt(to - 1)] as number;
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0;
}

/** @returns  The bytes of a base64url text, null when it is not one as `isBase64Url` has it. */
export function bytesOfBase64Url(text: string): Buffer | null {
  return isBase64Url(text) ? Buffer.from(text, 'base64url') : null;
}

/**
 * Decodes base64url as strictly as `isBase64Url`, from bytes and without garbage: at 500 bytes twice as fast as
 * checking a text and having node decode it.
 *
 * @param bytes  Text in `[from, to)`.
 * @param into   Room for three quarters of that from `at`; the two may share memory, but not overlap.
 * @returns      Offset behind the last byte written, -1 when the text is not strict base64url.
 */
export function decodeBase64Url(bytes: Buffer, from: number, to: number, into: Buffer, at: number): number {
  let out = at;
  let i = from;
  let seen = 0;
  for (const whole = to - 3; i < whole; i += 4) {
    const a = DIGITS[bytes[i] as number] as number;
    const b = DIGITS[bytes[i + 1] as number] as number;
    const c = DIGITS[bytes[i + 2] as number] as number;
    const d = DIGITS[bytes[i + 3] as number] as number;
    seen |= a | b | c | d;
    into[out] = (a << 2) | (b >> 4);
    into[out + 1] = (b << 4) | (c >> 2);
    into[out + 2] = (c << 6) | d;
    out += 3;
  }
  const rest = to - i;
  if (rest === 0) return seen > 63 ? -1 : out;
  if (rest === 1) return -1;
  const a = DIGITS[bytes[i] as number] as number;
  const b = DIGITS[bytes[i + 1] as number] as number;
  const c = rest === 3 ? (DIGITS[bytes[i + 2] as number] as number) : 0;
  if ((seen | a | b | c) > 63 || (rest === 3 ? c & 0b11 : b & 0b1111) !== 0) return -1;
  into[out] = (a << 2) | (b >> 4);
  if (rest === 2) return out + 1;
  into[out + 1] = (b << 4) | (c >> 2);
  return out + 2;
}

function digits(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let i = 0; i < alphabet.length; i += 1) table[alphabet.charCodeAt(i)] = i;
  return table;
}
