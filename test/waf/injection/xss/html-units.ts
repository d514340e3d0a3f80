import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One file of the tokenizer's corpus. */
export interface HtmlUnit {
  readonly file: string;
  readonly input: string;
  /** `KIND,length,text` a line. */
  readonly expected: string;
}

export function readHtmlUnits(folder: string): HtmlUnit[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith('test-html5-'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'latin1');
      const [, input = '', expected = ''] = /--INPUT--\n([\s\S]*?)--EXPECTED--\n?([\s\S]*)$/.exec(text) ?? [];
      // White space at both ends belongs to the file, not to the case.
      return { file, input: input.trim(), expected: expected.trim() };
    });
}
