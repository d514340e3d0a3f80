// hot path: synchronous, never throws
import { CR, LF } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';
import type { BodyCaps } from '../parsed-body.ts';
import { Found } from './found.ts';
import { isUtf8Text } from './utf8.ts';
import { XmlReader } from './xml-reader.ts';

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
/** Control characters but tab, LF and CR; U+FFFE and U+FFFF as UTF-8 (XML 1.0 2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NO_CHARACTERS = /[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]/;

/**
 * Reads XML 1.0 in UTF-8: text and attribute values. Nothing is resolved: a DOCTYPE and every entity but the five
 * predefined ones are errors. Namespaces are left as they are.
 *
 * Behind the text nodes, where there are several, comes all text of the document in one piece: what ModSecurity gives
 * for `XML:/*`.
 */
export function readXml(body: ByteText, caps: BodyCaps): Found {
  const found = new Found(caps);
  const text = body.startsWith(BYTE_ORDER_MARK) ? body.slice(BYTE_ORDER_MARK.length) : body;
  if (!isUtf8Text(text)) found.fail('is not UTF-8');
  else if (NO_CHARACTERS.test(text)) found.fail('has characters that XML does not allow');
  // Line ends are LF before anything else is read (2.11).
  else new XmlReader(withLineFeeds(text), caps.depthMax, found).read();
  return found;
}

/** CR LF and CR alone become LF. A pattern would make a piece of each line. */
function withLineFeeds(text: ByteText): ByteText {
  if (!text.includes('\r')) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let size = 0;
  for (let at = 0; at < text.length; at += 1) {
    let byte = text.charCodeAt(at);
    if (byte === CR) {
      byte = LF;
      if (text.charCodeAt(at + 1) === LF) at += 1;
    }
    bytes[size] = byte;
    size += 1;
  }
  return bytes.toString('latin1', 0, size);
}
