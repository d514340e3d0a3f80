// hot path: synchronous, never throws
import { HEX_VALUES } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';
import type { BodyArgument, BodyCaps } from '../parsed-body.ts';
import { Found } from './found.ts';

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const NO_DIGIT = 255;

/**
 * Reads `a=b&c` as ModSecurity does: parts end at `&`, names at the first `=`; an empty part between two `&` is an
 * argument without name and value, one behind the last `&` is nothing.
 */
export function readUrlencoded(body: ByteText, caps: BodyCaps): Found {
  const found = new Found(caps);
  forEachPair(body, (name, value) => found.argument(name, value));
  return found;
}

/** The same of a query string, for ARGS_GET. Without a cap: targets are short. */
export function parseQuery(query: ByteText): readonly BodyArgument[] {
  const pairs: BodyArgument[] = [];
  forEachPair(query, (name, value) => {
    pairs.push({ name, value });
    return true;
  });
  return pairs;
}

/** SecLang's URLENCODED_ERROR: a `%` that two hexadecimal digits do not follow. */
export function hasInvalidEncoding(text: ByteText): boolean {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    if (hexPairAt(text, at + 1) < 0) return true;
  }
  return false;
}

/** `+` is a space, `%41` a byte; other uses of `%` stay as they are. The same text where there is neither. */
export function decodeUrl(text: ByteText): ByteText {
  if (!text.includes('%') && !text.includes('+')) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let size = 0;
  for (let at = 0; at < text.length; at += 1) {
    let byte = text.charCodeAt(at);
    if (byte === PLUS) byte = SPACE;
    else if (byte === PERCENT) {
      const pair = hexPairAt(text, at + 1);
      if (pair >= 0) {
        byte = pair;
        at += 2;
      }
    }
    bytes[size] = byte;
    size += 1;
  }
  return bytes.toString('latin1', 0, size);
}

/** @param take  Says false to end it. */
function forEachPair(text: ByteText, take: (name: ByteText, value: ByteText) => boolean): void {
  let equals = -1;
  for (let from = 0; from < text.length; ) {
    const ampersand = text.indexOf('&', from);
    const to = ampersand === -1 ? text.length : ampersand;
    // Looked for anew only when passed, or a body of `&` would be searched to its end at each.
    if (equals < from) {
      equals = text.indexOf('=', from);
      if (equals === -1) equals = text.length;
    }
    const name = decodeUrl(text.slice(from, Math.min(equals, to)));
    if (!take(name, equals < to ? decodeUrl(text.slice(equals + 1, to)) : '')) return;
    from = to + 1;
  }
}

/** @returns  The byte that two digits stand for; -1 where they are none. */
function hexPairAt(text: ByteText, at: number): number {
  if (at + 1 >= text.length) return -1;
  const high = HEX_VALUES[text.charCodeAt(at)] as number;
  const low = HEX_VALUES[text.charCodeAt(at + 1)] as number;
  return high === NO_DIGIT || low === NO_DIGIT ? -1 : high * 16 + low;
}
