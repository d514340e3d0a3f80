// hot path: synchronous, never throws
import { createHash } from 'node:crypto';
import { type ByteText, byteTextOf } from '../../base/byte-text.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:sha1`: the 20 bytes of SHA-1 (RFC 3174), raw: `t:hexEncode` makes them readable. */
export const sha1: TransformationWord = {
  names: ['sha1'],
  compile: () => {
    // An OpenSSL that lacks it says so here, not while requests run.
    digest('');
    return digest;
  },
};

function digest(text: ByteText): ByteText {
  return byteTextOf(createHash('sha1').update(text, 'latin1').digest());
}
