// hot path: synchronous, never throws

import { isUtf8 } from 'node:buffer';
import { bytesOf, isAscii } from '../../base/byte-text.ts';
import { clausesOfBytes } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';
import { byteSet } from './byte-set.ts';

/** `@validateUtf8Encoding`: the value is not UTF-8 (RFC 3629): cut or overlong forms, surrogates, above U+10FFFF. */
export const validateUtf8Encoding: OperatorWord = {
  name: 'validateUtf8Encoding',
  needs: () => clausesOfBytes(byteSet([0x80, 0xff])),
  compile: () => (value) => !isAscii(value.text) && !isUtf8(bytesOf(value.text)),
};
