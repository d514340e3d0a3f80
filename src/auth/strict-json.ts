// hot path: synchronous, never throws
import { isUtf8 } from 'node:buffer';
import { BACKSLASH, COMMA, DQUOTE } from '../base/ascii.ts';

/** Members of a JSON object as they came: own properties, `__proto__` too. */
export type Members = Record<string, unknown>;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Reads a JSON object that two readers must not understand differently: UTF-8, no byte order mark, no member name
 * twice at the top (`JSON.parse` keeps the last, others the first), a bound on nesting.
 *
 * @param bytes     `[from, to)` lies within them; of any length, since bounding it is the caller's.
 * @param depthMax  1 takes an object of plain values.
 * @returns         Its members, objects without prototypes at every depth, never to be changed; or what is wrong with
 *                  it, a phrase that holds nothing of it.
 */
export function parseStrictObject(bytes: Buffer, depthMax: number, from = 0, to = bytes.length): Members | string {
  if (from === to || bytes[from] !== OPEN_BRACE) return 'is not a JSON object';
  const shape = shapeOf(bytes, depthMax, from, to);
  if (shape < 0) return 'is nested too deeply';
  let text: string;
  if ((shape & BEYOND_ASCII) === 0) {
    text = bytes.toString('latin1', from, to);
  } else {
    if (!isUtf8(bytes.subarray(from, to))) return 'is not UTF-8';
    text = bytes.toString('utf8', from, to);
  }
  let members: Members;
  try {
    members = JSON.parse(text);
  } catch {
    // The message quotes the text.
    return 'is not JSON';
  }
  const values = Object.values(members);
  if (values.length !== shape >> NAMES_SHIFT) return 'names a member twice';
  if ((shape & NESTED) !== 0) hardenAll(values);
  return Object.setPrototypeOf(members, null);
}

const NESTED = 1;
const BEYOND_ASCII = 2;
const NAMES_SHIFT = 2;

/**
 * Counts the members of the outermost object without building anything, so that nothing deep is built.
 *
 * @returns  The count, right if the text is JSON, whatever the names' escapes, shifted behind two flags; -1 past
 *           `depthMax`.
 */
function shapeOf(bytes: Buffer, depthMax: number, from: number, to: number): number {
  let depth = 0;
  let deepest = 0;
  let commas = 0;
  let isEmpty = true;
  let seen = 0;
  for (let i = from; i < to; i += 1) {
    let byte = bytes[i] as number;
    if (byte === DQUOTE) {
      isEmpty = false;
      for (i += 1; i < to; i += 1) {
        byte = bytes[i] as number;
        seen |= byte;
        if (byte === DQUOTE) break;
        if (byte === BACKSLASH) i += 1;
      }
    } else if (byte === COMMA) {
      if (depth === 1) commas += 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > depthMax) return -1;
      if (depth > deepest) deepest = depth;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    } else {
      seen |= byte;
    }
  }
  const names = isEmpty ? 0 : commas + 1;
  return (names << NAMES_SHIFT) | (seen > 0x7f ? BEYOND_ASCII : 0) | (deepest > 1 ? NESTED : 0);
}

/** A claim named `constructor` or `__proto__` is a claim or nothing, at any depth. Depth is bounded by now. */
function hardenAll(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      hardenAll(value);
    } else {
      hardenAll(Object.values(value));
      Object.setPrototypeOf(value, null);
    }
  }
}
