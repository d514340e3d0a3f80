// hot path: synchronous, never throws
import { COLON, COMMA, equalsLower, isToken, LF, lowerCaseBytes, SP, skipSpace, trimSpaceEnd } from '../base/ascii.ts';
import { CONNECTION_OPTIONS_MAX } from '../limits.ts';
import { CONNECTION, isProtected, KEEP, responseFieldClass, sameName } from './response-fields.ts';

const CLOSE = lowerCaseBytes('close');
const KEEP_ALIVE = lowerCaseBytes('keep-alive');

/** Bits of what a `Connection` value says. */
export const OPTION_CLOSE = 1;
/** A field is named that the client would otherwise get. */
export const OPTION_NAMES = 2;

/**
 * Reads one `Connection` value (RFC 9110 7.6.1).
 *
 * @param buf  Bytes; `[from, to)` is a field value.
 * @returns    `OPTION_*` bits. A member that is no token names nothing, but who writes one is not understood, so the
 *             connection is not used again: `OPTION_CLOSE`.
 */
export function connectionOptions(buf: Buffer, from: number, to: number): number {
  // ` keep-alive` is what nearly every server sends; the list below would find the same.
  if (to - from === 11 && buf[from] === SP && equalsLower(buf, from + 1, KEEP_ALIVE)) return 0;
  let bits = 0;
  let at = from;
  while (at < to) {
    const comma = memberEnd(buf, at, to);
    const start = skipSpace(buf, at, comma);
    const end = trimSpaceEnd(buf, start, comma);
    if (start < end) {
      if (!isToken(buf, start, end) || isOption(buf, start, end, CLOSE)) bits |= OPTION_CLOSE;
      else if (removes(buf, start, end)) bits |= OPTION_NAMES;
    }
    at = comma + 1;
  }
  return bits;
}

/** Names found by `copyWithoutNamed`, as pairs of offsets. One per thread: filled and used within one call. */
const NAMED = new Int32Array(CONNECTION_OPTIONS_MAX * 2);

/**
 * Copies the fields that the client gets, without those that a `Connection` field names. The rare way: it walks the
 * head a second time.
 *
 * @param target  Takes the lines, each with its CRLF; has room for `end - start` bytes from `at`.
 * @param at      Offset in `target`.
 * @param buf     Bytes; `[start, end)` holds field lines that were found valid, without the blank line.
 * @returns       Offset after the last byte written; -1 when more than CONNECTION_OPTIONS_MAX fields are named.
 */
export function copyWithoutNamed(target: Buffer, at: number, buf: Buffer, start: number, end: number): number {
  const count = collectNamed(buf, start, end);
  if (count < 0) return -1;
  let out = at;
  let line = start;
  while (line < end) {
    const next = buf.indexOf(LF, line) + 1;
    const colon = buf.indexOf(COLON, line);
    if (responseFieldClass(buf, line, colon) === KEEP && !isNamed(buf, line, colon, count)) {
      out += buf.copy(target, out, line, next);
    }
    line = next;
  }
  return out;
}

function collectNamed(buf: Buffer, start: number, end: number): number {
  let count = 0;
  let line = start;
  while (line < end) {
    const next = buf.indexOf(LF, line) + 1;
    const colon = buf.indexOf(COLON, line);
    if (responseFieldClass(buf, line, colon) === CONNECTION) {
      const valueEnd = next - 2;
      for (let at = colon + 1; at < valueEnd; ) {
        const comma = memberEnd(buf, at, valueEnd);
        const from = skipSpace(buf, at, comma);
        const to = trimSpaceEnd(buf, from, comma);
        if (isToken(buf, from, to) && !isOption(buf, from, to, CLOSE) && removes(buf, from, to)) {
          if (count === CONNECTION_OPTIONS_MAX) return -1;
          NAMED[count * 2] = from;
          NAMED[count * 2 + 1] = to;
          count += 1;
        }
        at = comma + 1;
      }
    }
    line = next;
  }
  return count;
}

/** Does this option name a field that would be kept, and may it? `keep-alive` and the like are dropped anyway. */
function removes(buf: Buffer, from: number, to: number): boolean {
  if (isOption(buf, from, to, KEEP_ALIVE)) return false;
  return responseFieldClass(buf, from, to) === KEEP && !isProtected(buf, from, to);
}

function isNamed(buf: Buffer, from: number, to: number, count: number): boolean {
  for (let i = 0; i < count; i += 1) {
    if (sameName(buf, from, to, NAMED[i * 2] as number, NAMED[i * 2 + 1] as number)) return true;
  }
  return false;
}

function isOption(buf: Buffer, from: number, to: number, lower: Uint8Array): boolean {
  return to - from === lower.length && equalsLower(buf, from, lower);
}

function memberEnd(buf: Buffer, from: number, to: number): number {
  let i = from;
  while (i < to && buf[i] !== COMMA) i += 1;
  return i;
}
