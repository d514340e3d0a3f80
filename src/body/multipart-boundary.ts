// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { readContentType } from './content-type.ts';
import type { Found } from './found.ts';
import type { OddThings } from './multipart-flags.ts';

/** RFC 2046 5.1.1: `bchars`, no space at the end. Spaces within are left out here: readers cut there. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=?]{1,70}$/;

/**
 * The boundary that the Content-Type of multipart/form-data names.
 *
 * @returns  Null where readers could take different ones, or none; `found.error` says why.
 */
export function boundaryOf(contentType: ByteText, odd: OddThings, found: Found): ByteText | null {
  const refuse = (reason: string): null => {
    found.fail(reason);
    return null;
  };
  const { mediaType, parameters } = readContentType(contentType);
  odd.missingSemicolon = parameters.isMissingSemicolon;
  odd.boundaryWhitespace = parameters.hasSpaceAfter || parameters.list.some((parameter) => parameter.hasSpace);
  if (mediaType !== 'multipart/form-data') return refuse('the content type is not multipart/form-data');
  if (parameters.error !== null) return refuse(`the content type ${parameters.error}`);
  const boundaries = parameters.list.filter(({ name }) => name === 'boundary' || name.startsWith('boundary*'));
  const [only] = boundaries;
  if (only === undefined) return refuse('the content type has no boundary');
  if (boundaries.length > 1 || only.name !== 'boundary') return refuse('the content type has several boundaries');
  odd.boundaryQuoted = only.isQuoted;
  if (!BOUNDARY.test(only.value)) return refuse('the boundary has characters or a length that it may not have');
  return only.value;
}
