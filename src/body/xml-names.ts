// hot path: synchronous, never throws
import { type ByteText, bytesOf } from '../base/byte-text.ts';

/** XML 1.0 2.3, fifth edition, beyond ASCII. */
const START =
  ':A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const NAME_START = new RegExp(`^[${START}]`, 'u');
const NAME_LATER = new RegExp(`^[${START}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]$`, 'u');

const START_BYTE = 1;
const LATER_BYTE = 2;
/** What each byte may be in a name; those above 127 are judged with their neighbours. */
const NAME_BYTES = nameBytes();

/**
 * @param from  Where a name should begin.
 * @returns     Offset behind it; -1 where there is none.
 */
export function xmlNameEnd(text: ByteText, from: number): number {
  let at = from;
  let seen = 0;
  for (; at < text.length; at += 1) {
    const byte = text.charCodeAt(at);
    if (NAME_BYTES[byte] === 0) break;
    seen |= byte;
  }
  if (at === from) return -1;
  if (seen < 0x80) return NAME_BYTES[text.charCodeAt(from)] === START_BYTE ? at : -1;
  return isName(bytesOf(text.slice(from, at)).toString('utf8')) ? at : -1;
}

/** One character at a time: over a long name a pattern would run out of its stack. */
function isName(name: string): boolean {
  if (!NAME_START.test(name)) return false;
  for (const character of name) {
    if (!NAME_LATER.test(character)) return false;
  }
  return true;
}

export function isXmlSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x09;
}

export function skipXmlSpace(text: ByteText, from: number): number {
  let at = from;
  while (at < text.length && isXmlSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function nameBytes(): Uint8Array {
  const table = new Uint8Array(256).fill(START_BYTE, 0x80);
  for (let byte = 0; byte < 0x80; byte += 1) {
    const character = String.fromCharCode(byte);
    if (NAME_START.test(character)) table[byte] = START_BYTE;
    else if (NAME_LATER.test(character)) table[byte] = LATER_BYTE;
  }
  return table;
}
