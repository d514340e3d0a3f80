import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorContext } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';

/**
 * Lines of a data file: trimmed, without blank ones and comments (`#` as the first character).
 *
 * @param word  SecLang name of the operator, for messages.
 * @throws  SecLangReason where no file is named, or one to be fetched; what `readData` throws.
 */
export function dataLines(word: string, path: string, context: OperatorContext): ByteText[] {
  const trimmed = trimmedBytes(path);
  if (trimmed === '') throw new SecLangReason(`@${word} names no file; give one that lies beside the rules`);
  if (/^https?:\/\//i.test(trimmed)) {
    throw new SecLangReason(`@${word} fetches nothing: put a copy of ${trimmed} beside the rules and name that`);
  }
  return context
    .readData(trimmed)
    .split('\n')
    .map(trimmedBytes)
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Without ASCII white space at its ends. `trim` would take 0xA0 too, which ends characters of UTF-8. */
function trimmedBytes(text: ByteText): ByteText {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
