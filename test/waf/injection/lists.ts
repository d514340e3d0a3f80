import { readdirSync, readFileSync } from 'node:fs';
import { byteTextOf } from '../../../src/base/byte-text.ts';

/**
 * The lines of the lists whose names begin so, comments left out: each as it stands and as form fields would send it,
 * decoded once and twice, since lists do not say which they are. No value twice.
 */
export function readLists(folder: string, prefix: string): string[] {
  const values = new Set<string>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.startsWith(prefix)) continue;
    for (const line of byteTextOf(readFileSync(`${folder}/${name}`)).split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const once = decode(line);
      for (const value of [line, once, decode(once)]) values.add(value);
    }
  }
  return [...values];
}

/** URL decoding of bytes: what is no escape stays. */
export function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
