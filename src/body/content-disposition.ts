// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { Found } from './found.ts';
import type { OddThings } from './multipart-flags.ts';
import { endOfToken, readParameters, trimSpace } from './parameters.ts';

export interface Disposition {
  /** '' where there is none, which is an error. */
  readonly name: ByteText;
  /** '' where the part is no file. */
  readonly fileName: ByteText;
}

/**
 * Reads `form-data; name="a"; filename="b"` (RFC 7578 4.2). What readers take differently is an invalid part:
 * parameters that come twice, `filename*` and its kind (which that section forbids), another disposition, no name.
 *
 * @param value  Behind the colon.
 */
export function readDisposition(value: ByteText, odd: OddThings, found: Found): Disposition {
  const text = trimSpace(value);
  const end = endOfToken(text, 0);
  const { list, error, isMissingSemicolon, isInvalidQuoting } = readParameters(text, end);
  const wrong = (reason: string): void => {
    odd.invalidPart = true;
    found.fail(`a Content-Disposition ${reason}`);
  };
  // Case counts for ModSecurity, and every client writes it so.
  if (text.slice(0, end) !== 'form-data') wrong('is not form-data');
  if (isMissingSemicolon) {
    odd.missingSemicolon = true;
    wrong('has no semicolon');
  }
  if (isInvalidQuoting) odd.invalidQuoting = true;
  if (error !== null) wrong(error);
  let name = '';
  let fileName = '';
  const seen = new Set<ByteText>();
  for (const parameter of list) {
    if (parameter.hasEscapedQuote) odd.invalidQuoting = true;
    if (parameter.hasSpace) wrong('has white space around =');
    if (seen.has(parameter.name)) wrong('names a parameter twice');
    seen.add(parameter.name);
    if (parameter.name === 'name') name ||= parameter.value;
    else if (parameter.name === 'filename') fileName ||= parameter.value;
    else if (parameter.name.includes('*')) {
      wrong('has an extended parameter');
      // Kept where it is the only one: rules look at file names.
      if (parameter.name.startsWith('filename*')) fileName ||= parameter.value;
    }
  }
  if (name === '') wrong('has no name');
  return { name, fileName };
}
