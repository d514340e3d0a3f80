import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteText } from '../../../src/base/byte-text.ts';

export interface Payload {
  /** Name of its list: `sqli-misc`. */
  readonly list: string;
  readonly text: ByteText;
}

/** Payloads in the order of files and lines, attacks and honest text apart. */
export interface PayloadLists {
  readonly attacks: readonly Payload[];
  readonly honest: readonly Payload[];
}

/**
 * Reads lists of payloads: a line each, `#` begins a comment line. Some are percent-encoded as attackers send them, and
 * are decoded here, since each place of a request has an encoding of its own.
 *
 * @param folder  Lists called sqli-*.txt, xss-*.txt and so on are attacks, false_positives.txt is honest.
 */
export function readPayloads(folder: string): PayloadLists {
  const attacks: Payload[] = [];
  const honest: Payload[] = [];
  for (const file of readdirSync(folder).sort()) {
    const list = file.replace(/\.txt$/, '');
    const into = list === 'false_positives' ? honest : attacks;
    for (const line of readFileSync(join(folder, file), 'latin1').split(/\r?\n/)) {
      if (line !== '' && !line.startsWith('#')) into.push({ list, text: decoded(line) });
    }
  }
  return { attacks, honest };
}

function decoded(line: ByteText): ByteText {
  if (!/%[0-9a-f]{2}/i.test(line)) return line;
  return line
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
