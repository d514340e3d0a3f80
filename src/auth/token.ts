// hot path: synchronous, never throws
import { decodeBase64Url } from '../base/base64url.ts';
import { Room } from '../base/room.ts';
import { type NotLetIn, refusal } from '../identity.ts';
import { KEY_ID_LENGTH_MAX, TOKEN_DEPTH_MAX, TOKEN_TYPE_LENGTH_MAX } from '../limits.ts';
import { type Algorithm, isAlgorithm } from './algorithms.ts';
import type { KnownHeaders } from './known-headers.ts';
import { type Members, parseStrictObject } from './strict-json.ts';

/**
 * A JWS in compact serialisation whose payload is a JSON object. Well-formed; nothing of it is verified. Its bytes are
 * in memory that the next token takes over: they are good until `readCompact` is called again.
 */
export interface CompactToken {
  readonly kind: 'token';
  readonly header: Members;
  readonly payload: Members;
  /** Bytes that were signed. */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
  /** Its first `length` bytes are the token's text; its first `headerLength` the header's, without the dot. */
  readonly bytes: Buffer;
  readonly length: number;
  readonly headerLength: number;
  /** It came from the headers that are known. */
  readonly isHeaderKnown: boolean;
}

/** What a header of an access token says, checked. */
export interface TokenHeader {
  readonly kind: 'header';
  readonly alg: Algorithm;
  /** Undefined when the token names no key. */
  readonly kid: string | undefined;
  /** As `mediaType` has it; '' for none. */
  readonly type: string;
}

/**
 * Reads a compact JWS (RFC 7515 7.1): three parts of strict base64url, a header and a payload that are JSON objects as
 * `parseStrictObject` takes them.
 *
 * @param text      Any text.
 * @param bytesMax  Most characters: they are ASCII or refused.
 * @param known     Headers that need not be read again.
 * @returns         The parts, or a refusal: `too-large`, `malformed`.
 */
export function readCompact(
  text: string,
  bytesMax: number,
  known: KnownHeaders | null = null,
): CompactToken | NotLetIn {
  if (text.length > bytesMax) return TOO_LARGE;
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  if (first === -1 || second === -1) return NOT_THREE;
  const third = text.indexOf('.', second + 1);
  if (third !== -1) return text.split('.', 6).length === 5 ? ENCRYPTED : NOT_THREE;
  const { length } = text;
  if (second === length - 1) return UNSIGNED;
  // The text and, behind it, header and payload decoded.
  const bytes = TEXT_ROOM.of(2 * length);
  const signatureBytes = SIGNATURE_ROOM.of(length);
  // Others than ASCII take more bytes than characters.
  if (bytes.write(text, 'utf8') !== length) return NOT_BASE64URL;
  const knownHeader = known === null ? null : known.find(text, first);
  const headerEnd = knownHeader === null ? decodeBase64Url(bytes, 0, first, bytes, length) : length;
  if (headerEnd < 0) return NOT_BASE64URL;
  const payloadEnd = decodeBase64Url(bytes, first + 1, second, bytes, headerEnd);
  if (payloadEnd < 0) return NOT_BASE64URL;
  const signatureLength = decodeBase64Url(bytes, second + 1, length, signatureBytes, 0);
  if (signatureLength < 0) return NOT_BASE64URL;
  const header = knownHeader ?? parseStrictObject(bytes, TOKEN_DEPTH_MAX, length, headerEnd);
  if (typeof header === 'string') return faultOf(HEADER_FAULTS, 'header', header);
  const payload = parseStrictObject(bytes, TOKEN_DEPTH_MAX, headerEnd, payloadEnd);
  if (typeof payload === 'string') return faultOf(PAYLOAD_FAULTS, 'payload', payload);
  return {
    kind: 'token',
    header,
    payload,
    signingInput: TEXT_ROOM.start(bytes, second),
    signature: SIGNATURE_ROOM.start(signatureBytes, signatureLength),
    bytes,
    length,
    headerLength: first,
    isHeaderKnown: knownHeader !== null,
  };
}

/**
 * Checks the header of an access token. A header that brings a key, or says where one is, is refused whole: the key of
 * a token is never the sender's choice (RFC 8725 3.10). So is every extension (`crit`, RFC 7515 4.1.11; `b64`, RFC
 * 7797): none is understood.
 *
 * @returns  What counts of it, or a refusal: `algorithm`, `critical`, `embedded-key`, `type`, `malformed`.
 */
export function readHeader(header: Members): TokenHeader | NotLetIn {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') return NO_ALGORITHM;
  if (!isAlgorithm(alg)) return OTHER_ALGORITHM;
  if (header.crit !== undefined || header.b64 !== undefined) return CRITICAL;
  if (header.jwk !== undefined || header.x5c !== undefined) return BRINGS_KEY;
  if (header.jku !== undefined || header.x5u !== undefined) return POINTS_TO_KEY;
  if (kid !== undefined) {
    if (typeof kid !== 'string') return KEY_ID_TYPE;
    if (kid.length > KEY_ID_LENGTH_MAX) return KEY_ID_LENGTH;
  }
  if (typ === undefined) return { kind: 'header', alg, kid, type: '' };
  const type = typeof typ === 'string' ? mediaType(typ) : '';
  return type === '' ? BAD_TYPE : { kind: 'header', alg, kid, type };
}

/**
 * A media type for comparing: lower case, without the `application/` that may be left out (RFC 7515 4.1.9).
 *
 * @returns  '' for what is none: empty, over 128 characters, or with others than visible ASCII.
 */
export function mediaType(typ: string): string {
  if (typ.length > TOKEN_TYPE_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(typ)) return '';
  const lower = typ.toLowerCase();
  return lower.startsWith('application/') && !lower.includes('/', 12) ? lower.slice(12) : lower;
}

/** Twice the usual bound on the length of tokens, bytes. */
const TEXT_ROOM = new Room(16_384);
/** Signatures of the longest RSA keys have 1,024. */
const SIGNATURE_ROOM = new Room(8_192);

const TOO_LARGE = refusal('too-large', 'the token is longer than allowed');
const NOT_THREE = refusal('malformed', 'the token does not have three parts');
const ENCRYPTED = refusal('malformed', 'the token is encrypted (JWE)');
const UNSIGNED = refusal('malformed', 'the signature is empty');
const NOT_BASE64URL = refusal('malformed', 'a part is not strict base64url');
const NO_ALGORITHM = refusal('malformed', 'alg is not a text');
const OTHER_ALGORITHM = refusal('algorithm', 'alg is none, or not one that is verified here');
const CRITICAL = refusal('critical', 'the header has crit or b64');
const BRINGS_KEY = refusal('embedded-key', 'the header brings a key of its own');
const POINTS_TO_KEY = refusal('embedded-key', 'the header says where to fetch a key');
const KEY_ID_TYPE = refusal('malformed', 'kid is not a text');
const KEY_ID_LENGTH = refusal('malformed', 'kid is longer than allowed');
const BAD_TYPE = refusal('type', 'typ is not a media type');

const HEADER_FAULTS = new Map<string, NotLetIn>();
const PAYLOAD_FAULTS = new Map<string, NotLetIn>();

/** There are five faults. */
function faultOf(made: Map<string, NotLetIn>, part: string, fault: string): NotLetIn {
  let found = made.get(fault);
  if (found === undefined) {
    found = refusal('malformed', `the ${part} ${fault}`);
    made.set(fault, found);
  }
  return found;
}
