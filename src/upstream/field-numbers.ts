// hot path: synchronous, never throws
import { COMMA, EQUALS, equalsLower, lowerCaseBytes, SP, skipSpace, trimSpaceEnd } from '../base/ascii.ts';

/** 2^53-1 has 16 digits: more are either leading zeros that nobody sends or a number that a double cannot hold. */
const DECIMAL_DIGITS_MAX = 16;

/** Longest promise that is believed, seconds: what still fits a timer in milliseconds (2^31-1). */
const TIMEOUT_SECONDS_MAX = 2_147_483;
const TIMEOUT = lowerCaseBytes('timeout');

/**
 * Reads a Content-Length value (RFC 9110 8.6): digits, with spaces around them. No sign, no list, no HTAB, which other
 * parsers judge differently.
 *
 * @param buf  Bytes; `[from, to)` is a field value.
 * @returns    0 to 2^53-1; -1 for everything else.
 */
export function contentLengthValue(buf: Uint8Array, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && buf[start] === SP) start += 1;
  while (end > start && buf[end - 1] === SP) end -= 1;
  if (start === end || end - start > DECIMAL_DIGITS_MAX) return -1;
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const digit = (buf[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > Number.MAX_SAFE_INTEGER ? -1 : value;
}

/**
 * Reads `timeout` out of a Keep-Alive value such as `timeout=5, max=100` (RFC 2068 19.7.1.1). Only a hint: what is not
 * understood is passed over.
 *
 * @param buf  Bytes; `[from, to)` is a field value.
 * @returns    Milliseconds, 0 to 2,147,483,000; -1 without.
 */
export function keepAliveTimeout(buf: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    let comma = at;
    while (comma < to && buf[comma] !== COMMA) comma += 1;
    const start = skipSpace(buf, at, comma);
    const end = trimSpaceEnd(buf, start, comma);
    const equals = start + TIMEOUT.length;
    if (equals + 1 < end && buf[equals] === EQUALS && equalsLower(buf, start, TIMEOUT)) {
      return secondsToMs(buf, equals + 1, end);
    }
    at = comma + 1;
  }
  return -1;
}

function secondsToMs(buf: Uint8Array, from: number, to: number): number {
  let seconds = 0;
  for (let i = from; i < to; i += 1) {
    const digit = (buf[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    seconds = Math.min(seconds * 10 + digit, TIMEOUT_SECONDS_MAX);
  }
  return seconds * 1_000;
}
