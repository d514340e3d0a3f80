// hot path: synchronous, never throws
import { equalsLower, LOWER_BYTES, lowerCaseBytes } from '../base/ascii.ts';
import { KEPT_BY_CHOICE } from '../config/schema-fields.ts';

/** What the parser does with a field of an answer. `KEEP` is 0 so that the common test is one compare. */
export const KEEP = 0;
export const DROP = 1;
export const CONNECTION = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;

/** Fields that do not reach the client; everything else does. */
const CLASSES: readonly (readonly [string, number])[] = [
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
  // No standard knows it, yet llhttp and others close by it: whoever sends `close` here will.
  ['proxy-connection', PROXY_CONNECTION],
  // The front frames the client's answer itself, whatever framed ours.
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  // Meant for this connection only (RFC 9110 7.6.1); trailers are dropped, so announcing them would be a lie.
  ['te', DROP],
  ['trailer', DROP],
  ['upgrade', DROP],
  // Between a proxy and its client, which we are (RFC 9110 11.7.1, 11.7.3): ours to use, never our client's.
  ['proxy-authenticate', DROP],
  ['proxy-authentication-info', DROP],
  // The front writes its own Date, the gateway the one request id that its log knows.
  ['date', DROP],
  ['x-request-id', DROP],
  // These only help who looks for a version with a known hole. Passed on where `answers.keep` says so.
  ['server', DROP],
  ['x-powered-by', DROP],
  // What browsers do for years is said by who ends TLS (RFC 6797 7). Passed on where `answers.keep` says so.
  ['strict-transport-security', DROP],
];

/**
 * Fields that a `Connection` field may not name away, by what would break: an upstream, or whoever can put one option
 * into its answer, could switch a protection off. RFC 9110 7.6.1 forbids naming end-to-end fields in the first place.
 */
const PROTECTED: Readonly<Record<string, readonly string[]>> = {
  'what the browser enforces for the site': [
    'strict-transport-security',
    'content-security-policy',
    'content-security-policy-report-only',
    'x-content-type-options',
    'x-frame-options',
    'x-xss-protection',
    'x-permitted-cross-domain-policies',
    'x-download-options',
    'referrer-policy',
    'permissions-policy',
    'cross-origin-embedder-policy',
    'cross-origin-opener-policy',
    'cross-origin-resource-policy',
    'origin-agent-cluster',
    'document-policy',
    'clear-site-data',
    'reporting-endpoints',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'access-control-allow-headers',
    'access-control-allow-methods',
    'access-control-expose-headers',
    'access-control-max-age',
    'timing-allow-origin',
  ],
  'who the client is, and that it is asked': [
    'set-cookie',
    'www-authenticate',
    'authentication-info',
    'dpop-nonce',
    'signature',
    'signature-input',
  ],
  'what caches may keep, and for whom': [
    'cache-control',
    'cdn-cache-control',
    'surrogate-control',
    'vary',
    'pragma',
    'expires',
    'age',
    'etag',
    'last-modified',
  ],
  'how the body is to be read': [
    'content-type',
    'content-encoding',
    'content-language',
    'content-location',
    'content-range',
    'content-disposition',
    'content-digest',
    'repr-digest',
    'accept-ranges',
  ],
  'where the client goes next, and when': ['location', 'retry-after', 'allow', 'refresh'],
  'how an answer is traced': ['via', 'traceparent', 'tracestate'],
};

/** Longest name in `CLASSES`. */
const NAME_BYTES_MAX = 25;

const NAMES: readonly Uint8Array[] = CLASSES.map(([name]) => lowerCaseBytes(name));
const CLASS_OF: Uint8Array = Uint8Array.from(CLASSES, ([, fieldClass]) => fieldClass);

/**
 * `length * 32 + (first byte + last byte) % 32` -> 1 + index into NAMES, 0 for none. No two names share a place (a test
 * holds that), so one load tells nearly every kept field from a dropped one. Case is a bit that the remainder drops.
 */
const CANDIDATES: Uint8Array = candidates();

/** Protected names by length. */
const PROTECTED_NAMES: readonly (readonly Uint8Array[])[] = protectedNames();

/**
 * Says which fields that are dropped by default reach the client in this thread. Once, before the first answer: heads
 * that connections remember stay as they were copied, so the setting is one that needs a restart.
 *
 * @param names  Lower case; of `answers.keep`.
 */
export function keepAnswerFields(names: readonly string[]): void {
  for (const name of KEPT_BY_CHOICE) {
    CLASS_OF[CLASSES.findIndex(([dropped]) => dropped === name)] = names.includes(name) ? KEEP : DROP;
  }
}

/**
 * Looks a field name up, ASCII case ignored.
 *
 * @param buf   Bytes; `[from, to)` is a token.
 * @returns     `KEEP`, `DROP`, or the class of a field that the parser reads before it drops it.
 */
export function responseFieldClass(buf: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length > NAME_BYTES_MAX) return KEEP;
  const candidate = CANDIDATES[length * 32 + (((buf[from] as number) + (buf[to - 1] as number)) & 31)] as number;
  if (candidate === 0) return KEEP;
  return equalsLower(buf, from, NAMES[candidate - 1] as Uint8Array) ? (CLASS_OF[candidate - 1] as number) : KEEP;
}

/** @returns  Whether the name in `[from, to)` is one that a `Connection` field may not take off the answer. */
export function isProtected(buf: Uint8Array, from: number, to: number): boolean {
  const names = PROTECTED_NAMES[to - from];
  if (names === undefined) return false;
  for (let i = 0; i < names.length; i += 1) {
    if (equalsLower(buf, from, names[i] as Uint8Array)) return true;
  }
  return false;
}

/** @returns  Whether two names of the same buffer are the same, ASCII case ignored. */
export function sameName(buf: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  for (let i = 0; i < aEnd - a; i += 1) {
    if (LOWER_BYTES[buf[a + i] as number] !== LOWER_BYTES[buf[b + i] as number]) return false;
  }
  return true;
}

function candidates(): Uint8Array {
  const table = new Uint8Array((NAME_BYTES_MAX + 1) * 32);
  NAMES.forEach((name, index) => {
    table[name.length * 32 + (((name[0] as number) + (name.at(-1) as number)) & 31)] = index + 1;
  });
  return table;
}

function protectedNames(): Uint8Array[][] {
  const byLength: Uint8Array[][] = [];
  for (const name of Object.values(PROTECTED).flat()) {
    while (byLength.length <= name.length) byLength.push([]);
    byLength[name.length]?.push(lowerCaseBytes(name));
  }
  return byLength;
}
