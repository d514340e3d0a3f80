// hot path: synchronous, never throws
import simdjson from 'simdjson';
import type { ByteText } from '../base/byte-text.ts';
import type { BodyCaps } from '../parsed-body.ts';
import { Found } from './found.ts';
import { JsonReader } from './json-reader.ts';
import { isUtf8Text } from './utf8.ts';

/**
 * Reads JSON (RFC 8259) into `json.a.b.array_0`, names as ModSecurity gives them.
 *
 * Two readers look: ours, which names the values and refuses what readers understand differently, and simdjson, which
 * must find the text valid too. simdjson also refuses integers beyond 64 bits; those are read as they are written, so
 * it is not asked about bodies that hold any.
 */
export function readJson(body: ByteText, caps: BodyCaps): Found {
  const found = new Found(caps);
  if (!isUtf8Text(body)) {
    found.fail('is not UTF-8');
    return found;
  }
  const reader = new JsonReader(body, caps.depthMax, found);
  // Each byte above 127 is two for simdjson: still a text, and of the same structure.
  if (reader.read() && !reader.hasLongInteger && !simdjson.isValid(body)) found.fail('is not JSON to a second reader');
  return found;
}
