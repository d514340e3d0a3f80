// hot path: synchronous, never throws

import { FINGERPRINTS } from './fingerprints.ts';
import type { Reading } from './reading.ts';

/** Letters of fingerprints as numbers of five bits, without regard to case: 1 to 25, 0 for none. */
const NUMBERS = new Uint8Array(128);
const LETTERS = '1&()ABCEFKNOSTUVX.,:;?\\{}';
for (let i = 0; i < LETTERS.length; i += 1) {
  NUMBERS[LETTERS.charCodeAt(i)] = i + 1;
  NUMBERS[LETTERS.toLowerCase().charCodeAt(i)] = i + 1;
}

const KNOWN = new Set<number>();
for (const line of FINGERPRINTS.trim().split('\n')) {
  const [head, ...tails] = line.split(' ') as [string, ...string[]];
  for (const tail of tails) KNOWN.add(numberOf(tail === '-' ? head : head + tail));
}

/** Is this shape one of injections? */
export function isKnown(reading: Reading): boolean {
  let number = 0;
  for (let i = 0; i < reading.length; i += 1) number = number * 32 + (NUMBERS[reading.token(i).kind] as number);
  return number !== 0 && KNOWN.has(number);
}

function numberOf(fingerprint: string): number {
  let number = 0;
  for (let i = 0; i < fingerprint.length; i += 1) number = number * 32 + (NUMBERS[fingerprint.charCodeAt(i)] as number);
  return number;
}
