import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteText } from '../../../src/base/byte-text.ts';

export interface Payload {
  /** Name of its list: `sqli-misc`, or of the rule whose tests it is from: `crs-942100`. */
  readonly list: string;
  readonly text: ByteText;
}

/** Attacks by list, in the order of files and lines; honest text. No list is empty. */
export interface PayloadLists {
  readonly attacks: readonly (readonly Payload[])[];
  readonly honest: readonly Payload[];
}

/**
 * Reads lists of payloads: a line each, `#` begins a comment line. Some are percent-encoded as attackers send them, and
 * are decoded here, since each place of a request has an encoding of its own.
 *
 * @param folder  Lists called sqli-*.txt, xss-*.txt and so on are attacks, false_positives.txt is honest.
 */
export function readPayloads(folder: string): PayloadLists {
  const lists = readdirSync(folder)
    .sort()
    .map((file) => readList(join(folder, file), file.replace(/\.txt$/, '')))
    .filter((list) => list.length > 0);
  const isHonest = (list: readonly Payload[]): boolean => list[0]?.list === 'false_positives';
  return { attacks: lists.filter((list) => !isHonest(list)), honest: lists.filter(isHonest).flat() };
}

function readList(path: string, list: string): readonly Payload[] {
  return readFileSync(path, 'latin1')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ list, text: /%[0-9a-f]{2}/i.test(line) ? formDecoded(line) : line }));
}

/** `+` and percent-encoding undone, once; a percent sign that begins nothing stays. */
export function formDecoded(text: ByteText): ByteText {
  return text
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
