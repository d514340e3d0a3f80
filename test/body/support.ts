import { byteTextOfString } from '../../src/base/byte-text.ts';
import { parseBody } from '../../src/body/parse-body.ts';
import type { BodyCaps, BodyProcessor, ParsedBody } from '../../src/parsed-body.ts';

export const CAPS: BodyCaps = { argumentsMax: 1_000, depthMax: 50 };
export const BOUNDARY_TYPE = 'multipart/form-data; boundary=B';

/** @param body  Characters of code 0 to 255 each, or a string that becomes its UTF-8. */
export function read(processor: BodyProcessor, body: string, contentType = BOUNDARY_TYPE, caps = CAPS): ParsedBody {
  return parseBody(processor, contentType, body, caps);
}

/** `name=value` of each argument. */
export function pairs(body: ParsedBody): string[] {
  return body.arguments.map(({ name, value }) => `${name}=${value}`);
}

/** Names of the flags that are set. */
export function oddThings(body: ParsedBody): string[] {
  return Object.entries(body.multipart ?? {})
    .filter(([, isSet]) => isSet)
    .map(([name]) => name);
}

export const utf8 = byteTextOfString;
