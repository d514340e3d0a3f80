import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteText } from '../../../../src/base/byte-text.ts';

/**
 * Lines of libinjection's lists of attacks, as written and, where that differs, with percent signs decoded.
 *
 * @param names  Which files of the folder.
 */
export function readLists(folder: string, names: RegExp): ByteText[] {
  const lines = readdirSync(folder)
    .filter((file) => names.test(file))
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'latin1').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return [...new Set(lines.flatMap((line) => [line, percentDecoded(line)]))];
}

function percentDecoded(text: ByteText): ByteText {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
