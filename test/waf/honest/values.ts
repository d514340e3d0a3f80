import { type ByteText, byteTextOfString } from '../../../src/base/byte-text.ts';
import { CODE, QUERY_WORDS } from './code.ts';
import { DATA } from './data.ts';
import { NAMES } from './names.ts';
import { PROSE } from './prose.ts';

/** Values of honest requests, by kind; byte text of their UTF-8. No operator that looks for attacks should hold. */
export const HONEST: ReadonlyMap<string, readonly ByteText[]> = new Map(
  Object.entries({ prose: PROSE, names: NAMES, data: DATA, code: CODE, queryWords: QUERY_WORDS }).map(
    ([kind, values]) => [kind, values.map(byteTextOfString)] as const,
  ),
);
