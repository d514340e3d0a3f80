// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { inflateBody } from '../body/decompress.ts';
import type { ErrorCode } from '../errors.ts';

/** What rules get to see of a request body. */
export type SeenBody =
  | {
      readonly kind: 'seen';
      readonly bytes: Buffer;
      /** In its content coding: it could not be read, and goes on all the same. */
      readonly isCoded: boolean;
    }
  /** Nothing: the request is refused. */
  | { readonly kind: 'refuse'; readonly code: ErrorCode };

/**
 * Undoes the content coding of a request body for inspection.
 *
 * @param coding       Value of Content-Encoding; '' for none.
 * @param body         At most `bytesMax` of it.
 * @param isPartial    There is more of it. The beginning of coded data cannot be read as such.
 * @param detectsOnly  Nothing is refused.
 */
export function seenBody(
  coding: ByteText,
  body: Buffer,
  isPartial: boolean,
  bytesMax: number,
  detectsOnly: boolean,
): SeenBody {
  if (body.length === 0 || coding === '' || coding.toLowerCase() === 'identity') {
    return { kind: 'seen', bytes: body, isCoded: false };
  }
  const inflated = isPartial ? null : inflateBody(coding, body, bytesMax);
  if (inflated?.kind === 'bytes') return { kind: 'seen', bytes: inflated.bytes, isCoded: false };
  if (detectsOnly) return { kind: 'seen', bytes: body, isCoded: true };
  const isTooLarge = inflated === null || inflated.kind === 'too-large';
  return { kind: 'refuse', code: isTooLarge ? 'SP_REQUEST_BODY_TOO_LARGE' : 'SP_WAF_ENCODING' };
}
