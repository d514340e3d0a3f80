// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { Reading } from './fingerprint.ts';
import { isHarmless } from './harmless.ts';
import { isKnown } from './known-fingerprints.ts';

/** One for the thread: nothing in it outlives a call. */
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
  if (isInjection(text, '')) return reading.fingerprint;
  if (text.includes("'") && isInjection(text, "'")) return reading.fingerprint;
  // Only MySQL takes double quotes for strings.
  if (text.includes('"') && isInjectionTo(text, '"', true)) return reading.fingerprint;
  return null;
}

function isInjection(text: ByteText, quote: string): boolean {
  return isInjectionTo(text, quote, false) || (reading.tokenizer.isReadOtherwise && isInjectionTo(text, quote, true));
}

function isInjectionTo(text: ByteText, quote: string, isMysql: boolean): boolean {
  reading.read(text, quote, isMysql);
  return isKnown(reading) && !isHarmless(reading);
}
