// hot path: synchronous, never throws
import { isUtf8 } from 'node:buffer';
import { bytesOf, isAscii } from '../../base/byte-text.ts';
import type { OperatorWord } from '../operator.ts';

/** `@validateUtf8Encoding`: the value is not UTF-8 (RFC 3629): cut or overlong forms, surrogates, above U+10FFFF. */
export const validateUtf8Encoding: OperatorWord = {
  name: 'validateUtf8Encoding',
  compile: () => (value) => !isAscii(value.text) && !isUtf8(bytesOf(value.text)),
};
