// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { endOfToken, type Parameters, readParameters } from './parameters.ts';

export interface ContentType {
  /** `application/json`, in lower case; '' where the field has no media type. */
  readonly mediaType: ByteText;
  readonly parameters: Parameters;
}

/** Reads a Content-Type field (RFC 9110 8.3.1), strictly: what is odd is told, not mended. */
export function readContentType(field: ByteText): ContentType {
  const slash = endOfToken(field, 0);
  const end = field[slash] === '/' ? endOfToken(field, slash + 1) : 0;
  const hasType = slash > 0 && end > slash + 1;
  return {
    mediaType: hasType ? field.slice(0, end).toLowerCase() : '',
    parameters: readParameters(field, hasType ? end : 0),
  };
}
