// hot path: synchronous, never throws
import type { TransformationWord } from '../transformation.ts';
import { decodeBase64 } from './base64-decode.ts';

/**
 * `t:base64DecodeExt`: reads base64 as PHP does, passing over every byte that is no digit, padding included.
 *
 * ModSecurity 3 gives nothing where padding stands inside a group (`VGV=dA==`) and where one digit is left over; PHP
 * reads on, and so does this.
 */
export const base64DecodeExt: TransformationWord = {
  names: ['base64DecodeExt'],
  compile: () => (text) => decodeBase64(text, true),
};
