import type { OperatorWord } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';

/** SecLang words that this engine refuses, and what to do instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  fuzzyHash: 'it needs the ssdeep library; scan uploads behind the gateway',
  geoLookup: 'it needs a database of places; list the ranges of addresses with @ipMatchFromFile',
  gsbLookup: 'its service has ended; list what you block with @pmFromFile',
  inspectFile: 'it runs a program for each file; scan uploads behind the gateway',
  ipMatchFromDataset: 'SecDataset is not supported; put the ranges into a file for @ipMatchFromFile',
  pmFromDataset: 'SecDataset is not supported; put the phrases into a file for @pmFromFile',
  rbl: 'it asks DNS while a request waits; list addresses with @ipMatchFromFile',
  restpath: 'it is of one engine only; write the path as a pattern for @rx',
  rsub: 'it rewrites bodies, and bodies are forwarded as they came; rewrite behind the gateway',
  validateDTD: 'documents are not validated by rules; validate XML in the application',
  validateHash: 'it needs the hash engine, which rewrites pages; sign links in the application',
  validateSchema: 'documents are not validated by rules; validate XML and JSON in the application',
};

/** Each of them as a word that no parameter satisfies. */
export const UNSUPPORTED_OPERATORS: readonly OperatorWord[] = Object.entries(INSTEAD).map(([name, instead]) => ({
  name,
  compile: () => {
    throw new SecLangReason(`@${name} is not supported: ${instead}`);
  },
}));
