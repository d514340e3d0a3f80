// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { isHarmless } from './harmless.ts';
import { isKnown } from './known-fingerprints.ts';
import { Reading } from './reading.ts';

/** One for the thread: no call waits, and none leaves anything. */
const reading = new Reading();

/**
 * Finds SQL injection as libinjection does: a value is read as it stands, and, where it holds quotes, as if it stood
 * inside them. Each reading is tokenized, folded to five tokens, and their kinds looked up among those of injections.
 *
 * @param text  Any bytes.
 * @returns  The fingerprint that was known, null where there is none.
 *
 * Cost: linear, at most five readings.
 * Source: https://github.com/libinjection/libinjection, its described behaviour.
 */
export function detectSqlInjection(text: ByteText): string | null {
  return isPlain(text) ? null : detectInReadings(text);
}

/** As detectSqlInjection, without looking first whether the value needs reading at all. */
export function detectInReadings(text: ByteText): string | null {
  const isFound =
    isInjection(text, '') ||
    (text.includes("'") && isInjection(text, "'")) ||
    // Only MySQL takes double quotes for strings.
    (text.includes('"') && isInjectionTo(text, '"', true));
  const fingerprint = isFound ? reading.fingerprint : null;
  reading.release();
  return fingerprint;
}

const LETTER = 1;
const DIGIT = 2;
const DOT = 4;
const OTHER = 8;
const CLASSES = new Uint8Array(256).fill(OTHER);
for (let code = 0x30; code <= 0x39; code += 1) CLASSES[code] = DIGIT;
for (let code = 0x41; code <= 0x5a; code += 1) CLASSES[code] = CLASSES[code | 0x20] = LETTER;
CLASSES[0x5f] = LETTER;
CLASSES[0x2e] = DOT;

/**
 * One word, number or name with dots, of which no statement can be made. Letters, digits and dots together can:
 * `1.LIMIT.1`.
 */
function isPlain(text: ByteText): boolean {
  let seen = 0;
  for (let i = 0; i < text.length && seen < OTHER; i += 1) seen |= CLASSES[text.charCodeAt(i)] as number;
  return seen < (LETTER | DIGIT | DOT);
}

function isInjection(text: ByteText, quote: string): boolean {
  return isInjectionTo(text, quote, false) || (reading.tokenizer.isReadOtherwise && isInjectionTo(text, quote, true));
}

function isInjectionTo(text: ByteText, quote: string, isMysql: boolean): boolean {
  reading.read(text, quote, isMysql);
  return isKnown(reading) && !isHarmless(reading);
}
