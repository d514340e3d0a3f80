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
 * @param bytes     Of any length: bounding it is the caller's.
 * @param depthMax  1 takes an object of plain values.
 * @returns         Its members, frozen at every depth and without prototypes, or what is wrong with it, a phrase that
 *                  holds nothing of it.
 */
export function parseStrictObject(bytes: Buffer, depthMax: number): Members | string {
  if (bytes[0] !== OPEN_BRACE) return 'is not a JSON object';
  if (!isUtf8(bytes)) return 'is not UTF-8';
  const named = namesAtTop(bytes, depthMax);
  if (named < 0) return 'is nested too deeply';
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // The message quotes the text.
    return 'is not JSON';
  }
  const members = value as Members;
  if (Object.keys(members).length !== named) return 'names a member twice';
  harden(members);
  return members;
}

/**
 * Counts the members of the outermost object without building anything, so that nothing deep is built.
 *
 * @returns  The count, right if the text is JSON, whatever the names' escapes; -1 past `depthMax`.
 */
function namesAtTop(bytes: Buffer, depthMax: number): number {
  let depth = 0;
  let commas = 0;
  let isEmpty = true;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    if (byte === DQUOTE) {
      isEmpty = false;
      for (i += 1; i < bytes.length && bytes[i] !== DQUOTE; i += 1) if (bytes[i] === BACKSLASH) i += 1;
    } else if (byte === COMMA) {
      if (depth === 1) commas += 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > depthMax) return -1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
    }
  }
  return isEmpty ? 0 : commas + 1;
}

/** A claim named `constructor` or `__proto__` is a claim or nothing, at any depth. Depth is bounded by now. */
function harden(value: object): void {
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null);
  for (const member of Object.values(value)) if (typeof member === 'object' && member !== null) harden(member);
  Object.freeze(value);
}
