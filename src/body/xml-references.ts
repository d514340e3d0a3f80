// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { utf8OfCodePoint } from './utf8.ts';

/** XML 1.0 4.6. Others would need a document type. */
const ENTITIES: ReadonlyMap<ByteText, ByteText> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** `&#1114111;` with zeros before it to spare. */
const REFERENCE_LENGTH_MAX = 32;

/** @returns  The text with `&amp;` and `&#65;` decoded, as UTF-8; null where a reference is another, or broken. */
export function decodeReferences(text: ByteText): ByteText | null {
  let ampersand = text.indexOf('&');
  if (ampersand === -1) return text;
  const pieces: ByteText[] = [];
  let from = 0;
  for (; ampersand !== -1; ampersand = text.indexOf('&', from)) {
    // Bounded: a text of `&` alone would be searched to its end at each.
    const reference = text.slice(ampersand + 1, ampersand + 1 + REFERENCE_LENGTH_MAX);
    const length = reference.indexOf(';');
    const value = length === -1 ? null : referenced(reference.slice(0, length));
    if (value === null) return null;
    pieces.push(text.slice(from, ampersand), value);
    from = ampersand + length + 2;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}

function referenced(name: ByteText): ByteText | null {
  const [, hexadecimal, decimal] = /^#(?:x([0-9A-Fa-f]+)|([0-9]+))$/.exec(name) ?? [];
  if (hexadecimal === undefined && decimal === undefined) return ENTITIES.get(name) ?? null;
  const point = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return isCharacter(point) ? utf8OfCodePoint(point) : null;
}

/** XML 1.0 2.2. */
function isCharacter(point: number): boolean {
  if (point < 0x20) return point === 0x09 || point === 0x0a || point === 0x0d;
  return point < 0xd800 || (point > 0xdfff && point < 0xfffe) || (point > 0xffff && point < 0x110000);
}
