import type { TransformationWord } from './transformation.ts';
import { base64Decode } from './transformations/base64-decode.ts';
import { base64DecodeExt } from './transformations/base64-decode-ext.ts';
import { base64Encode } from './transformations/base64-encode.ts';
import { cmdLine } from './transformations/cmd-line.ts';
import { compressWhitespace } from './transformations/compress-whitespace.ts';
import { cssDecode } from './transformations/css-decode.ts';
import { escapeSeqDecode } from './transformations/escape-seq-decode.ts';
import { hexDecode } from './transformations/hex-decode.ts';
import { hexEncode } from './transformations/hex-encode.ts';
import { htmlEntityDecode } from './transformations/html-entity-decode.ts';
import { jsDecode } from './transformations/js-decode.ts';
import { length } from './transformations/length.ts';
import { lowercase } from './transformations/lowercase.ts';
import { md5 } from './transformations/md5.ts';
import { normalisePath } from './transformations/normalise-path.ts';
import { normalisePathWin } from './transformations/normalise-path-win.ts';
import { parityEven7bit } from './transformations/parity-even-7bit.ts';
import { parityOdd7bit } from './transformations/parity-odd-7bit.ts';
import { parityZero7bit } from './transformations/parity-zero-7bit.ts';
import { removeComments } from './transformations/remove-comments.ts';
import { removeCommentsChar } from './transformations/remove-comments-char.ts';
import { removeNulls } from './transformations/remove-nulls.ts';
import { removeWhitespace } from './transformations/remove-whitespace.ts';
import { replaceComments } from './transformations/replace-comments.ts';
import { replaceNulls } from './transformations/replace-nulls.ts';
import { sha1 } from './transformations/sha1.ts';
import { sqlHexDecode } from './transformations/sql-hex-decode.ts';
import { trim } from './transformations/trim.ts';
import { trimLeft } from './transformations/trim-left.ts';
import { trimRight } from './transformations/trim-right.ts';
import { uppercase } from './transformations/uppercase.ts';
import { urlDecode } from './transformations/url-decode.ts';
import { urlDecodeUni } from './transformations/url-decode-uni.ts';
import { urlEncode } from './transformations/url-encode.ts';
import { utf8toUnicode } from './transformations/utf8-to-unicode.ts';

/** Every transformation of SecLang but `t:none`, which takes away those before it. */
const WORDS: readonly TransformationWord[] = [
  base64Decode,
  base64DecodeExt,
  base64Encode,
  cmdLine,
  compressWhitespace,
  cssDecode,
  escapeSeqDecode,
  hexDecode,
  hexEncode,
  htmlEntityDecode,
  jsDecode,
  length,
  lowercase,
  md5,
  normalisePath,
  normalisePathWin,
  parityEven7bit,
  parityOdd7bit,
  parityZero7bit,
  removeComments,
  removeCommentsChar,
  removeNulls,
  removeWhitespace,
  replaceComments,
  replaceNulls,
  sha1,
  sqlHexDecode,
  trim,
  trimLeft,
  trimRight,
  uppercase,
  urlDecode,
  urlDecodeUni,
  urlEncode,
  utf8toUnicode,
];

const BY_NAME: ReadonlyMap<string, TransformationWord> = new Map(
  WORDS.flatMap((word) => word.names.map((name) => [name.toLowerCase(), word] as const)),
);

/** Every spelling, for a hint at what was meant. */
export const TRANSFORMATION_NAMES: readonly string[] = WORDS.flatMap(({ names }) => names);

/** @param name  Behind `t:`, in any case. */
export function transformationNamed(name: string): TransformationWord | null {
  return BY_NAME.get(name.toLowerCase()) ?? null;
}
