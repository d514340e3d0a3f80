import { readdirSync, readFileSync } from 'node:fs';
import { byteTextOf } from '../../../src/base/byte-text.ts';

/** One case of libinjection's own tests: a file of three parts. */
export interface Unit {
  readonly name: string;
  readonly input: string;
  readonly expected: string;
}

/** @param prefix  Beginning of the files' names. */
export function readUnits(folder: string, prefix: string): Unit[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => {
      const text = byteTextOf(readFileSync(`${folder}/${name}`));
      const [, input, expected] = /--INPUT--\n(.*?)\n?--EXPECTED--\n?(.*)$/s.exec(text) ?? [];
      if (input === undefined || expected === undefined) throw new Error(`${name} has not the three parts of a case`);
      return { name, input: input.trim(), expected: expected.trim() };
    });
}
