// hot path: synchronous, never throws
import {
  BACKSLASH,
  COLON,
  CR,
  DQUOTE,
  EQUALS,
  equalsLower,
  FIELD_BYTES,
  HEX_VALUES,
  LF,
  lowerCaseBytes,
  SEMICOLON,
  TOKEN_BYTES,
} from '../base/ascii.ts';
import { CHUNK_LINE_BYTES_MAX, CHUNK_OVERHEAD_BYTES_MAX, TRAILER_BYTES_MAX } from '../limits.ts';

/** What `next` found: nothing until more bytes come, body bytes, the end of the body, or a fault. */
export const CHUNK_MORE = 0;
export const CHUNK_DATA = 1;
export const CHUNK_DONE = 2;
export const CHUNK_ERROR = 3;

/** 2^53-1 has 14 hex digits: two leading zeros are enough for servers that print a fixed width. */
const SIZE_DIGITS_MAX = 16;
/** Framing that is fair for any chunk, bytes: the size line of a small chunk with a short extension. */
const FAIR_LINE_BYTES = 16;

const SIZE = 0;
const EXTENSION_START = 1;
const EXTENSION_NAME = 2;
const EXTENSION_VALUE_START = 3;
const EXTENSION_VALUE = 4;
const EXTENSION_QUOTED = 5;
const EXTENSION_ESCAPE = 6;
const EXTENSION_QUOTED_END = 7;
const SIZE_LF = 8;
const DATA = 9;
const DATA_CR = 10;
const DATA_LF = 11;
const TRAILER_START = 12;
const TRAILER_NAME = 13;
const TRAILER_VALUE = 14;
const TRAILER_LF = 15;
const END_LF = 16;
const DONE = 17;
const FAILED = 18;

/** Framing has no place in a trailer section (RFC 9110 6.5.1): some parser may believe it. */
const CONTENT_LENGTH = lowerCaseBytes('content-length');
const TRANSFER_ENCODING = lowerCaseBytes('transfer-encoding');

/**
 * Decodes one chunked body (RFC 9112 7.1) from pieces cut anywhere, strictly: CRLF ends every line and every chunk, a
 * size is bare hex digits, extensions follow the grammar without its optional white space (llhttp refuses that too),
 * trailer fields are checked like header fields. Extensions and trailers are dropped.
 *
 * Beyond llhttp's strict mode it refuses sizes of more than 16 digits or over 2^53-1 (inexact in a number), an
 * extension with `=` and no value, Transfer-Encoding in the trailer section, and lines, trailers and framing overhead
 * past their caps in `limits.ts`.
 */
export class ChunkedDecoder {
  /** Offset of the next unread byte after `next` returned. */
  position = 0;
  /** Body bytes in `buf` when `next` returned CHUNK_DATA. */
  dataStart = 0;
  dataEnd = 0;
  /** Why the body was refused; '' when it was not. */
  reason = '';

  #state = SIZE;
  /** Size of the chunk as far as it is read, then bytes of it still to come. */
  #remaining = 0;
  #digits = 0;
  #lineBytes = 0;
  #trailerBytes = 0;
  /** Framing bytes beyond a fair share: 16 a chunk and twice its data. Source: Go's net/http (CVE-2023-39326). */
  #overheadBytes = 0;
  /** First bytes of the trailer name under way, enough to know the forbidden ones. */
  readonly #name = new Uint8Array(TRANSFER_ENCODING.length);
  #nameBytes = 0;

  /** Prepares for the next body. */
  reset(): void {
    this.reason = '';
    this.#state = SIZE;
    this.#remaining = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
    this.#trailerBytes = 0;
    this.#overheadBytes = 0;
  }

  /**
   * Goes on to the next event. Call it in a loop: while CHUNK_DATA use `buf[dataStart, dataEnd)` and call again from
   * `position`. Nothing is kept of `buf`: after CHUNK_MORE all of it was read.
   *
   * @param buf  Bytes; `[start, end)` follows the bytes of the call before.
   * @returns    `CHUNK_*`. DONE and ERROR stay until `reset`; after ERROR `reason` says why.
   */
  next(buf: Buffer, start: number, end: number): number {
    let i = start;
    while (i < end) {
      const state = this.#state;
      if (state === DATA) return this.#data(i, end);
      if (state >= DONE) break;
      const reason = state < DATA ? this.#sizeLine(state, buf[i] as number) : this.#afterData(state, buf[i] as number);
      if (reason !== '') {
        this.reason = reason;
        this.#state = FAILED;
        break;
      }
      i += 1;
    }
    this.position = i;
    if (this.#state < DONE) return CHUNK_MORE;
    return this.#state === DONE ? CHUNK_DONE : CHUNK_ERROR;
  }

  #data(start: number, end: number): number {
    const taken = Math.min(end - start, this.#remaining);
    this.#remaining -= taken;
    if (this.#remaining === 0) this.#state = DATA_CR;
    this.dataStart = start;
    this.dataEnd = start + taken;
    this.position = start + taken;
    return CHUNK_DATA;
  }

  /** One byte of `size [; name [= value]] CRLF`. */
  #sizeLine(state: number, byte: number): string {
    this.#lineBytes += 1;
    if (this.#lineBytes > CHUNK_LINE_BYTES_MAX) return 'chunk-size line too long';
    switch (state) {
      case SIZE:
        return HEX_VALUES[byte] === 255 ? this.#sizeEnd(byte) : this.#digit(HEX_VALUES[byte] as number);
      case EXTENSION_START:
        if (TOKEN_BYTES[byte] !== 1) return 'malformed chunk extension';
        this.#state = EXTENSION_NAME;
        return '';
      case EXTENSION_NAME:
        if (TOKEN_BYTES[byte] === 1) return '';
        if (byte !== EQUALS) return this.#extensionEnd(byte);
        this.#state = EXTENSION_VALUE_START;
        return '';
      case EXTENSION_VALUE_START:
        if (byte !== DQUOTE && TOKEN_BYTES[byte] !== 1) return 'malformed chunk extension';
        this.#state = byte === DQUOTE ? EXTENSION_QUOTED : EXTENSION_VALUE;
        return '';
      case EXTENSION_VALUE:
        return TOKEN_BYTES[byte] === 1 ? '' : this.#extensionEnd(byte);
      case EXTENSION_QUOTED:
        if (FIELD_BYTES[byte] !== 1) return 'forbidden byte in a chunk extension';
        if (byte === DQUOTE) this.#state = EXTENSION_QUOTED_END;
        else if (byte === BACKSLASH) this.#state = EXTENSION_ESCAPE;
        return '';
      case EXTENSION_ESCAPE:
        if (FIELD_BYTES[byte] !== 1) return 'forbidden byte in a chunk extension';
        this.#state = EXTENSION_QUOTED;
        return '';
      case EXTENSION_QUOTED_END:
        return this.#extensionEnd(byte);
      default:
        return byte === LF ? this.#lineEnd() : 'bare CR in a chunk-size line';
    }
  }

  #digit(value: number): string {
    this.#digits += 1;
    this.#remaining = this.#remaining * 16 + value;
    if (this.#digits > SIZE_DIGITS_MAX || this.#remaining > Number.MAX_SAFE_INTEGER) return 'chunk size too large';
    return '';
  }

  #sizeEnd(byte: number): string {
    if (this.#digits === 0) return 'chunk size is not hexadecimal';
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === SEMICOLON) this.#state = EXTENSION_START;
    else return byte === LF ? 'bare LF in a chunk-size line' : 'chunk size is not hexadecimal';
    return '';
  }

  #extensionEnd(byte: number): string {
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === SEMICOLON) this.#state = EXTENSION_START;
    else return byte === LF ? 'bare LF in a chunk-size line' : 'malformed chunk extension';
    return '';
  }

  #lineEnd(): string {
    const fair = FAIR_LINE_BYTES + 2 * this.#remaining;
    this.#overheadBytes = Math.max(0, this.#overheadBytes + this.#lineBytes - fair);
    if (this.#overheadBytes > CHUNK_OVERHEAD_BYTES_MAX) return 'too much chunk framing for the data';
    this.#lineBytes = 0;
    this.#digits = 0;
    this.#state = this.#remaining === 0 ? TRAILER_START : DATA;
    return '';
  }

  /** One byte of the CRLF after a chunk's data, or of the trailer section and the last CRLF. */
  #afterData(state: number, byte: number): string {
    if (state <= DATA_LF) {
      if (byte !== (state === DATA_CR ? CR : LF)) return 'no CRLF after chunk data';
      this.#state = state === DATA_CR ? DATA_LF : SIZE;
      return '';
    }
    this.#trailerBytes += 1;
    if (this.#trailerBytes > TRAILER_BYTES_MAX) return 'trailer section too large';
    switch (state) {
      case TRAILER_START:
        this.#nameBytes = 0;
        if (byte === CR) this.#state = END_LF;
        else return this.#nameByte(byte);
        return '';
      case TRAILER_NAME:
        return byte === COLON ? this.#nameEnd() : this.#nameByte(byte);
      case TRAILER_VALUE:
        if (FIELD_BYTES[byte] === 1) return '';
        if (byte !== CR) return byte === LF ? 'bare LF in a trailer field' : 'forbidden byte in a trailer field';
        this.#state = TRAILER_LF;
        return '';
      default:
        if (byte !== LF) return 'bare CR in the trailer section';
        this.#state = state === END_LF ? DONE : TRAILER_START;
        return '';
    }
  }

  #nameByte(byte: number): string {
    if (TOKEN_BYTES[byte] !== 1) return 'malformed trailer field name';
    if (this.#nameBytes < this.#name.length) this.#name[this.#nameBytes] = byte;
    this.#nameBytes += 1;
    this.#state = TRAILER_NAME;
    return '';
  }

  #nameEnd(): string {
    this.#state = TRAILER_VALUE;
    return this.#isName(CONTENT_LENGTH) || this.#isName(TRANSFER_ENCODING)
      ? 'framing field in the trailer section'
      : '';
  }

  #isName(lower: Uint8Array): boolean {
    return this.#nameBytes === lower.length && equalsLower(this.#name, 0, lower);
  }
}
