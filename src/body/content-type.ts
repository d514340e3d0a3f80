// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { BodyProcessor } from '../parsed-body.ts';
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

/**
 * The processor that a body gets where no rule names one, by how the field begins, as in ModSecurity: a field that
 * some upstream could take for a form is read as one, and what is wrong with it is found there.
 *
 * @returns  Null for others: JSON and XML are chosen by rules.
 */
export function defaultProcessor(contentType: ByteText): BodyProcessor | null {
  const lower = contentType.slice(0, LONGEST_FORM_TYPE).toLowerCase();
  if (lower.startsWith('application/x-www-form-urlencoded')) return 'URLENCODED';
  if (lower.startsWith('multipart/form-data')) return 'MULTIPART';
  return null;
}

const LONGEST_FORM_TYPE = 'application/x-www-form-urlencoded'.length;
