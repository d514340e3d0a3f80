// hot path: synchronous, never throws

/**
 * Bytes as text: one character, code 0 to 255, for each byte. Unlike a decoded string it keeps bytes that are not
 * UTF-8, so that what is inspected is what was sent; V8 keeps it at one byte a character.
 */
export type ByteText = string;

/** @param bytes  Read before this returns. */
export function byteTextOf(bytes: Uint8Array): ByteText {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The UTF-8 bytes of a decoded string, as byte text. The same string where it is ASCII. */
export function byteTextOfString(text: string): ByteText {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The bytes again. */
export function bytesOf(text: ByteText): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Every character is below 128: bytes, byte text and string are then the same. */
export function isAscii(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') === text.length;
}

/** Byte text for people: decoded where it is UTF-8, bytes that are not become U+FFFD. For logs, never for matching. */
export function displayOf(text: ByteText): string {
  return isAscii(text) ? text : bytesOf(text).toString('utf8');
}
