// hot path: synchronous, never throws

import type { ByteText } from '../base/byte-text.ts';
import type { BodyCaps, BodyProcessor, ParseBody, ParsedBody } from '../parsed-body.ts';
import { Found } from './found.ts';
import { readJson } from './json.ts';
import { parseMultipart } from './multipart.ts';
import { nothingOdd } from './multipart-flags.ts';
import { readUrlencoded } from './urlencoded.ts';
import { readXml } from './xml.ts';

/**
 * Reads one whole body as its processor does; docs/bodies.md says what each finds and refuses.
 *
 * What was found before an error is there beside it, so that rules see it too. An empty body holds nothing, and nothing
 * is wrong with it.
 *
 * @param contentType  The whole field value; only MULTIPART looks at it.
 * @param body         Byte text of any length: bounding it is the caller's.
 * @returns            Its texts may be slices of `body`. Never throws.
 */
export const parseBody: ParseBody = (processor, contentType, body, caps): ParsedBody => {
  if (body === '') return new Found(caps).body(processor, processor === 'MULTIPART' ? nothingOdd() : null);
  if (processor === 'MULTIPART') return parseMultipart(contentType, body, caps);
  return READERS[processor](body, caps).body(processor);
};

type Reader = (body: ByteText, caps: BodyCaps) => Found;

const READERS: Readonly<Record<Exclude<BodyProcessor, 'MULTIPART'>, Reader>> = {
  URLENCODED: readUrlencoded,
  JSON: readJson,
  XML: readXml,
  RAW: (_body, caps) => new Found(caps),
};
