// hot path: synchronous, never throws
import { LOWER_BYTES } from '../../base/ascii.ts';
import { inPlace } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:cmdLine`: undoes what shells let pass. Backslash, double and single quote and caret go; comma, semicolon, TAB, CR
 * and LF become spaces, and several spaces one; spaces before `/` and `(` go; letters become lower case.
 */
export const cmdLine: TransformationWord = {
  names: ['cmdLine'],
  changes: `A"'\\^,;(/ \t\r\n`,
  compile: () => inPlace((text) => TRIGGER.test(text), undo),
  work: () => undo,
};

const TRIGGER = /["'\\^,;\t\r\nA-Z]| [ /(]/;

const DROP = 1;
const BLANK = 2;
const CLOSE = 3;
const KINDS = kinds();

function undo(bytes: Buffer, length: number): number {
  let out = 0;
  let isAfterSpace = false;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[i] as number;
    const kind = KINDS[byte];
    if (kind === DROP) continue;
    if (kind === BLANK) {
      if (isAfterSpace) continue;
      bytes[out] = 0x20;
    } else {
      if (kind === CLOSE && isAfterSpace) out -= 1;
      bytes[out] = LOWER_BYTES[byte] as number;
    }
    isAfterSpace = kind === BLANK;
    out += 1;
  }
  return out;
}

function kinds(): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of '"\'\\^') table[character.charCodeAt(0)] = DROP;
  for (const character of ' ,;\t\r\n') table[character.charCodeAt(0)] = BLANK;
  for (const character of '/(') table[character.charCodeAt(0)] = CLOSE;
  return table;
}
