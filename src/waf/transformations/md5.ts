// hot path: synchronous, never throws
import { createHash } from 'node:crypto';
import { type ByteText, byteTextOf } from '../../base/byte-text.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:md5`: the 16 bytes of MD5 (RFC 1321), raw: `t:hexEncode` makes them readable. */
export const md5: TransformationWord = {
  names: ['md5'],
  compile: () => {
    // An OpenSSL that lacks it says so here, not while requests run.
    digest('');
    return digest;
  },
};

function digest(text: ByteText): ByteText {
  return byteTextOf(createHash('md5').update(text, 'latin1').digest());
}
