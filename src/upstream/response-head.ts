// hot path: synchronous, never throws
import { COLON, CR, equalsLower, HTAB, LF, lowerCaseBytes, SP, TOKEN_BYTES } from '../base/ascii.ts';
import { copyWords, fieldBytesEnd, viewOf, wordsOf } from '../base/words.ts';
import { RESPONSE_FIELDS_MAX, RESPONSE_HEAD_BYTES_MAX } from '../limits.ts';
import { connectionOptions, copyWithoutNamed, OPTION_CLOSE, OPTION_NAMES } from './connection-options.ts';
import { contentLengthValue, keepAliveTimeout } from './field-numbers.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  KEEP,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  responseFieldClass,
  TRANSFER_ENCODING,
} from './response-fields.ts';

/** How the body ends (RFC 9112 6.3): there is none; after `contentLength` bytes; chunked; with the connection. */
export const FRAMING_NONE = 0;
export const FRAMING_LENGTH = 1;
export const FRAMING_CHUNKED = 2;
export const FRAMING_EOF = 3;

/** What `parseResponseHead` returns when there is no complete head. */
export const HEAD_INCOMPLETE = 0;
export const HEAD_INVALID = -1;
export const HEAD_TOO_LARGE = -2;

/** `HTTP/1.1 200 `: the status line up to the reason phrase. */
const STATUS_LINE_BYTES = 13;
const STATUS_OFFSET = 9;
const VERSION_PREFIX: Uint8Array = Uint8Array.from('HTTP/1.', (character) => character.charCodeAt(0));
/** `HTTP`, `/1.1`, ` 200`, first byte highest. */
const WORD_HTTP = 0x48545450;
const WORD_1_1 = 0x2f312e31;
const WORD_200 = 0x20323030;
const CHUNKED = lowerCaseBytes('chunked');

/** First room for the client's head, bytes: nearly every head fits. */
const CLIENT_HEAD_BYTES = 2_048;
/** Longest head that is remembered, bytes; and how many new heads in a row end the effort of remembering each. */
const MEMO_BYTES_MAX = 2_048;
const MEMO_MISSES_MAX = 8;
const NO_BYTES = Buffer.alloc(0);

/** Where in a head the parser stands. */
const AT_STATUS = 0;
const AT_REASON = 1;
const AT_NAME = 2;
const AT_VALUE = 3;

/** One per connection, reused for every answer. What it says stands until the next `parseResponseHead` or `reset`. */
export class ResponseHead {
  /** 100-599. */
  status = 0;
  /** `FRAMING_*`; NONE for an answer to HEAD, 1xx, 204 and 304 (RFC 9112 6.3). */
  framing = FRAMING_NONE;
  /** Declared Content-Length, also for answers to HEAD and 304; -1 without. */
  contentLength = -1;
  /** The connection may be used again after the body. False for every HTTP/1.0 answer, whatever it promises. */
  keepAlive = false;
  /** `Keep-Alive: timeout`, milliseconds; -1 without. */
  keepAliveTimeoutMs = -1;
  /** 101: the connection speaks another protocol from here on. */
  upgrade = false;
  /**
   * The head for the client: `200 OK\r\nname: value\r\nname: value`, without the version and the last CRLF, and without
   * the fields of this hop, of framing, Date and Server (`response-fields.ts`).
   */
  clientHead: Buffer = Buffer.allocUnsafeSlow(CLIENT_HEAD_BYTES);
  clientHeadBytes = 0;
  #viewOf: Buffer = NO_BYTES;
  #view: Buffer = NO_BYTES;
  clientWords: DataView = wordsOf(this.clientHead);
  /** Why the last parse failed; '' when it did not. */
  reason = '';

  /** Bytes of an incomplete head that have been looked at: none of them is read for validation again. */
  scanFrom = 0;

  // The state of a parse under way: for `parseResponseHead` alone. Offsets are relative to the head's first byte.
  at = AT_STATUS;
  lineStart = 0;
  nameEnd = 0;
  fieldsStart = 0;
  /** Start of the bytes that the client gets but that are not copied yet. */
  runStart = 0;
  fieldCount = 0;
  minorVersion = 1;
  chunked = false;
  connectionBits = 0;

  // The last complete head, to recognise it when it comes again.
  memo: Buffer = NO_BYTES;
  memoBytes = 0;
  memoIsHead = false;
  memoMisses = 0;

  /** Forgets a head that has begun, so that the next parse starts at a first byte. */
  reset(): void {
    this.scanFrom = 0;
    this.at = AT_STATUS;
  }

  /**
   * Puts fields of the gateway after the kept ones. They are gone after the next parse.
   *
   * @param fields  `\r\nname: value` each.
   * @returns       Bytes of `clientHead` now in use; `clientHeadBytes` stays.
   */
  append(fields: Buffer): number {
    const bytes = this.clientHeadBytes + fields.length;
    if (bytes > this.clientHead.length) growClientHead(this, this.clientHeadBytes, bytes);
    fields.copy(this.clientHead, this.clientHeadBytes);
    return bytes;
  }

  /**
   * The first `bytes` bytes of `clientHead`. Heads of one server mostly have one length: the object is kept, since
   * making one costs 100 ns. Valid until the next parse.
   */
  view(bytes: number): Buffer {
    if (this.#viewOf !== this.clientHead || this.#view.length !== bytes) {
      this.#viewOf = this.clientHead;
      this.#view = this.clientHead.subarray(0, bytes);
    }
    return this.#view;
  }
}

/**
 * Parses one complete response head (RFC 9112 4 and 5), strictly: what llhttp refuses in strict mode is refused, and
 * beyond that
 * - every status line but `HTTP/1.0` or `HTTP/1.1`, one space, 100-599, one space (llhttp lets the last space be
 *   absent, takes every three digits and versions 0.9 and 2.0), control bytes in the reason phrase, CR CR after it,
 *   empty lines before the line;
 * - Content-Length with more than 16 digits, over 2^53-1 (inexact in a number), or with HTAB around it;
 * - Transfer-Encoding that is not exactly one `chunked` (llhttp takes lists, repetitions, and unknown codings until the
 *   connection ends), or on HTTP/1.0;
 * - on 1xx, where a final head follows: Transfer-Encoding, Content-Length other than 0 (RFC 9112 6.1, RFC 9110 8.6),
 *   and HTTP/1.0;
 * - more than CONNECTION_OPTIONS_MAX fields named by Connection.
 *
 * A head in pieces is not read again from its start: call with the same bytes and more, at any offset of any buffer.
 * Work is linear in the bytes of the head, however they are cut.
 *
 * @param head    State and result; see `ResponseHead`.
 * @param buf     Bytes; `[start, end)` begins with the first byte of a head.
 * @param isHead  The answer is to a HEAD request.
 * @returns       Offset after the blank line; HEAD_INCOMPLETE; HEAD_INVALID; HEAD_TOO_LARGE (more bytes than
 *                RESPONSE_HEAD_BYTES_MAX or fields than RESPONSE_FIELDS_MAX). For the last two `head.reason` says why,
 *                and the connection is to be closed.
 */
export function parseResponseHead(
  head: ResponseHead,
  buf: Buffer,
  start: number,
  end: number,
  isHead: boolean,
): number {
  if (head.scanFrom === 0) {
    if (isRepeated(head, buf, start, end, isHead)) return start + head.memoBytes;
    begin(head);
  }
  const limit = Math.min(end, start + RESPONSE_HEAD_BYTES_MAX);
  const words = viewOf(buf);
  let i = start + head.scanFrom;
  let { at } = head;

  if (at === AT_STATUS) {
    if (!isUsualStatus(head, buf, words, start, limit)) {
      const reason = readStatusLine(head, buf, start, limit);
      if (reason !== '') return invalid(head, reason);
    }
    if (limit - start < STATUS_LINE_BYTES) return pause(head, limit - start, limit - start, AT_STATUS);
    i = start + STATUS_LINE_BYTES;
    at = AT_REASON;
  }
  if (at === AT_REASON) {
    i = fieldBytesEnd(buf, words, i, limit);
    if (i === limit) return pause(head, i - start, limit - start, AT_REASON);
    if (buf[i] !== CR) return invalid(head, buf[i] === LF ? 'bare LF' : 'forbidden byte in the reason phrase');
    if (i + 1 === limit) return pause(head, i - start, limit - start, AT_REASON);
    if (buf[i + 1] !== LF) return invalid(head, 'bare CR after the reason phrase');
    i += 2;
    at = AT_NAME;
    head.fieldsStart = i - start;
    head.lineStart = i - start;
  }

  let line = start + head.lineStart;
  let nameEnd = start + head.nameEnd;
  for (;;) {
    if (at === AT_NAME) {
      while (i < limit && TOKEN_BYTES[buf[i] as number] === 1) i += 1;
      if (i === limit) return pause(head, i - start, limit - start, AT_NAME);
      if (buf[i] !== COLON) {
        if (i !== line || buf[i] !== CR) return invalid(head, nameFault(buf, line, i));
        if (i + 1 === limit) return pause(head, i - start, limit - start, AT_NAME);
        if (buf[i + 1] !== LF) return invalid(head, 'bare CR');
        return finish(head, buf, words, start, i, isHead);
      }
      if (i === line) return invalid(head, 'empty field name');
      nameEnd = i;
      head.nameEnd = i - start;
      i += 1;
    }
    i = fieldBytesEnd(buf, words, i, limit);
    if (i === limit) return pause(head, i - start, limit - start, AT_VALUE);
    if (buf[i] !== CR) return invalid(head, buf[i] === LF ? 'bare LF' : 'forbidden byte in a field value');
    if (i + 1 === limit) return pause(head, i - start, limit - start, AT_VALUE);
    if (buf[i + 1] !== LF) return invalid(head, 'bare CR');
    i += 2;
    head.fieldCount += 1;
    if (head.fieldCount > RESPONSE_FIELDS_MAX) return tooLarge(head, 'too many fields');
    const fieldClass = responseFieldClass(buf, line, nameEnd);
    if (fieldClass !== KEEP) {
      const reason = readField(head, fieldClass, buf, nameEnd + 1, i - 2);
      if (reason !== '') return invalid(head, reason);
      copyRun(head, buf, words, start + head.runStart, line);
      head.runStart = i - start;
    }
    line = i;
    head.lineStart = i - start;
    at = AT_NAME;
  }
}

/** Is this the head of the last answer over again? Many honest ones differ only by Date, which moves once a second. */
function isRepeated(head: ResponseHead, buf: Buffer, start: number, end: number, isHead: boolean): boolean {
  const { memo, memoBytes } = head;
  if (memoBytes === 0 || end - start < memoBytes || head.memoIsHead !== isHead) return false;
  // Where the blank line ends another head of the same length is told apart from most others by one byte.
  if (buf[start + memoBytes - 1] !== LF || buf[start + memoBytes - 2] !== CR) return false;
  if (buf.compare(memo, 0, memoBytes, start, start + memoBytes) !== 0) return false;
  head.memoMisses = 0;
  return true;
}

function begin(head: ResponseHead): void {
  head.reason = '';
  head.at = AT_STATUS;
  head.status = 0;
  head.contentLength = -1;
  head.keepAliveTimeoutMs = -1;
  head.fieldCount = 0;
  head.chunked = false;
  head.connectionBits = 0;
  head.clientHeadBytes = 0;
  head.runStart = STATUS_OFFSET;
  head.memoBytes = 0;
}

/** Remembers how far the bytes were read. A head that fills all its room without an end is too large. */
function pause(head: ResponseHead, scanned: number, available: number, at: number): number {
  if (available === RESPONSE_HEAD_BYTES_MAX) return tooLarge(head, 'head too large');
  head.scanFrom = scanned;
  head.at = at;
  return HEAD_INCOMPLETE;
}

function invalid(head: ResponseHead, reason: string): number {
  head.reset();
  head.reason = reason;
  return HEAD_INVALID;
}

function tooLarge(head: ResponseHead, reason: string): number {
  head.reset();
  head.reason = reason;
  return HEAD_TOO_LARGE;
}

/** The whole of `HTTP/1.1 200 ` by words; whatever is not exactly that goes the long way, which knows what is wrong. */
function isUsualStatus(head: ResponseHead, buf: Buffer, words: DataView, start: number, limit: number): boolean {
  if (limit - start < STATUS_LINE_BYTES) return false;
  if (words.getInt32(start) !== WORD_HTTP || words.getInt32(start + 4) !== WORD_1_1) return false;
  if (words.getInt32(start + 8) !== WORD_200 || buf[start + 12] !== SP) return false;
  head.minorVersion = 1;
  head.status = 200;
  return true;
}

/** Reads as much of the first 13 bytes as is there, so that garbage is refused with its first byte. */
function readStatusLine(head: ResponseHead, buf: Buffer, start: number, limit: number): string {
  const count = Math.min(limit - start, STATUS_LINE_BYTES);
  for (let i = 0; i < count && i < 7; i += 1) {
    if (buf[start + i] !== VERSION_PREFIX[i]) return 'not an HTTP/1 status line';
  }
  if (count < 8) return '';
  const minorVersion = (buf[start + 7] as number) - 0x30;
  if (minorVersion !== 0 && minorVersion !== 1) return 'HTTP version is neither 1.0 nor 1.1';
  head.minorVersion = minorVersion;
  if (count > 8 && buf[start + 8] !== SP) return 'no space after the HTTP version';
  let status = 0;
  for (let i = STATUS_OFFSET; i < count && i < 12; i += 1) {
    const digit = (buf[start + i] as number) - 0x30;
    if (digit < 0 || digit > 9) return 'status is not three digits';
    if (i === STATUS_OFFSET && (digit < 1 || digit > 5)) return 'status is not within 100-599';
    status = status * 10 + digit;
  }
  head.status = status;
  return count > 12 && buf[start + 12] !== SP ? 'no space after the status' : '';
}

/** Why a field line is no name and colon; `[line, i)` are token bytes, the one at `i` is neither that nor a colon. */
function nameFault(buf: Buffer, line: number, i: number): string {
  const byte = buf[i];
  if (byte === LF) return 'bare LF';
  if (byte === SP || byte === HTAB) return i === line ? 'folded line' : 'white space in or after a field name';
  if (byte === CR) return 'field line without a colon';
  return 'forbidden byte in a field name';
}

/** @returns  '' or why the value in `[from, to)` is refused. */
function readField(head: ResponseHead, fieldClass: number, buf: Buffer, from: number, to: number): string {
  switch (fieldClass) {
    case CONTENT_LENGTH: {
      if (head.contentLength !== -1) return 'repeated Content-Length';
      const length = contentLengthValue(buf, from, to);
      if (length < 0) return 'malformed Content-Length';
      head.contentLength = length;
      return '';
    }
    case TRANSFER_ENCODING:
      if (head.chunked) return 'repeated Transfer-Encoding';
      if (!isChunked(buf, from, to)) return 'Transfer-Encoding is not chunked';
      head.chunked = true;
      return '';
    case CONNECTION:
      head.connectionBits |= connectionOptions(buf, from, to);
      return '';
    case PROXY_CONNECTION:
      head.connectionBits |= connectionOptions(buf, from, to) & OPTION_CLOSE;
      return '';
    case KEEP_ALIVE: {
      const timeoutMs = keepAliveTimeout(buf, from, to);
      const known = head.keepAliveTimeoutMs;
      if (timeoutMs >= 0 && (known < 0 || timeoutMs < known)) head.keepAliveTimeoutMs = timeoutMs;
      return '';
    }
    default:
      return '';
  }
}

/** Only spaces around it: with HTAB, parsers disagree whether it is chunked at all. */
function isChunked(buf: Buffer, from: number, to: number): boolean {
  let start = from;
  let end = to;
  while (start < end && buf[start] === SP) start += 1;
  while (end > start && buf[end - 1] === SP) end -= 1;
  return end - start === CHUNKED.length && equalsLower(buf, start, CHUNKED);
}

/** The blank line is there: its CR is at `blank`. */
function finish(
  head: ResponseHead,
  buf: Buffer,
  words: DataView,
  start: number,
  blank: number,
  isHead: boolean,
): number {
  const { status, chunked, contentLength } = head;
  if (chunked && contentLength !== -1) return invalid(head, 'Content-Length with Transfer-Encoding');
  if (chunked && head.minorVersion === 0) return invalid(head, 'Transfer-Encoding on HTTP/1.0');
  const declaresBody = chunked || contentLength > 0;
  if (status < 200) {
    if (declaresBody) return invalid(head, 'body on an interim answer');
    const lasts = head.minorVersion === 1 && (head.connectionBits & OPTION_CLOSE) === 0;
    if (status !== 101 && !lasts) return invalid(head, 'interim answer that ends the connection');
  }

  if ((head.connectionBits & OPTION_NAMES) === 0) copyRun(head, buf, words, start + head.runStart, blank);
  else if (!copyAllButNamed(head, buf, words, start, blank)) return invalid(head, 'too many names in Connection');
  // Every line was copied with its CRLF; the front writes the last one.
  head.clientHeadBytes -= 2;

  if (isHead || status < 200 || status === 204 || status === 304) head.framing = FRAMING_NONE;
  else if (chunked) head.framing = FRAMING_CHUNKED;
  else head.framing = contentLength === -1 ? FRAMING_EOF : FRAMING_LENGTH;

  head.upgrade = status === 101;
  head.keepAlive =
    head.minorVersion === 1 &&
    (head.connectionBits & OPTION_CLOSE) === 0 &&
    head.framing !== FRAMING_EOF &&
    status !== 101 &&
    // RFC 9112 6.1, RFC 9110 8.6: a server that announces a body here may send it where the next answer is expected.
    !(status === 204 && declaresBody);

  head.reset();
  remember(head, buf, start, blank + 2, isHead);
  return blank + 2;
}

/** Copies `[from, to)` to the end of the client's head. */
function copyRun(head: ResponseHead, buf: Buffer, words: DataView, from: number, to: number): void {
  if (from === to) return;
  const used = head.clientHeadBytes;
  const bytes = used + to - from;
  if (bytes > head.clientHead.length) growClientHead(head, used, bytes);
  copyWords(head.clientHead, head.clientWords, used, buf, words, from, to);
  head.clientHeadBytes = bytes;
}

/** Writes the client's head anew, because a Connection field may come after the fields that it names. */
function copyAllButNamed(head: ResponseHead, buf: Buffer, words: DataView, start: number, blank: number): boolean {
  if (blank - start > head.clientHead.length) growClientHead(head, 0, blank - start);
  head.clientHeadBytes = 0;
  copyRun(head, buf, words, start + STATUS_OFFSET, start + head.fieldsStart);
  const bytes = copyWithoutNamed(head.clientHead, head.clientHeadBytes, buf, start + head.fieldsStart, blank);
  head.clientHeadBytes = bytes;
  return bytes >= 0;
}

function growClientHead(head: ResponseHead, used: number, needed: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, head.clientHead.length * 2));
  head.clientHead.copy(larger, 0, 0, used);
  head.clientHead = larger;
  head.clientWords = wordsOf(larger);
}

/** Keeps the bytes of this head. Where each head is new, only every sixteenth is kept, to notice a change of habit. */
function remember(head: ResponseHead, buf: Buffer, start: number, end: number, isHead: boolean): void {
  const bytes = end - start;
  if (bytes > MEMO_BYTES_MAX || head.status < 200) return;
  head.memoMisses += 1;
  if (head.memoMisses > MEMO_MISSES_MAX && (head.memoMisses & 15) !== 0) return;
  if (head.memo.length === 0) head.memo = Buffer.allocUnsafeSlow(MEMO_BYTES_MAX);
  buf.copy(head.memo, 0, start, end);
  head.memoBytes = bytes;
  head.memoIsHead = isHead;
}
