// hot path: synchronous, never throws
import { FIELD_NAMES_REMEMBERED_MAX } from '../limits.ts';

/** What the intake does with a request field. `FORWARD` is 0 so that the common test is one compare. */
export const FORWARD = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
/** Meant for this connection only (RFC 9110 7.6.1), or a claim that only we may make. */
export const DROP = 5;
export const EXPECT = 6;
export const X_FORWARDED_FOR = 7;
export const X_FORWARDED_PROTO = 8;
export const X_FORWARDED_HOST = 9;
export const FORWARDED = 10;
export const X_REQUEST_ID = 11;
export const VIA = 12;
export const USER_AGENT = 13;
export const COOKIE = 14;
export const TRACEPARENT = 15;
export const TRACESTATE = 16;
export const AUTHORIZATION = 17;
export const CONTENT_TYPE = 18;
export const UPGRADE = 19;
/** Not a token, or a name that another parser may take for a framing or identity field. */
export const BAD = 20;
/** Classes from here on: the n-th captured name of the configuration, forwarded as well. */
export const CAPTURED = 32;

const CLASSES: readonly (readonly [string, number])[] = [
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['keep-alive', DROP],
  ['proxy-connection', DROP],
  ['proxy-authenticate', DROP],
  ['proxy-authorization', DROP],
  ['te', DROP],
  ['trailer', DROP],
  ['http2-settings', DROP],
  ['upgrade', UPGRADE],
  ['expect', EXPECT],
  ['x-forwarded-for', X_FORWARDED_FOR],
  ['x-forwarded-proto', X_FORWARDED_PROTO],
  ['x-forwarded-host', X_FORWARDED_HOST],
  ['forwarded', FORWARDED],
  ['x-request-id', X_REQUEST_ID],
  ['via', VIA],
  ['user-agent', USER_AGENT],
  ['cookie', COOKIE],
  ['traceparent', TRACEPARENT],
  ['tracestate', TRACESTATE],
  ['authorization', AUTHORIZATION],
  ['content-type', CONTENT_TYPE],
  // What X-Forwarded-Proto, -Host and -For say, in other words: two sources may disagree, and we write ours.
  ['x-forwarded-port', DROP],
  ['x-forwarded-ssl', DROP],
  ['x-forwarded-scheme', DROP],
  ['x-forwarded-protocol', DROP],
  ['x-forwarded-server', DROP],
  ['x-url-scheme', DROP],
  ['front-end-https', DROP],
  // Another method than the one that routes and policies judged.
  ['x-http-method-override', DROP],
  ['x-http-method', DROP],
  ['x-method-override', DROP],
];

/** Fields that a `Connection` field may not name away: a policy here or behind us rests on them. */
const PROTECTED = new Set([
  'authorization',
  'cookie',
  'content-type',
  'content-encoding',
  'content-language',
  'content-range',
  'date',
  'dpop',
  'etag',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'origin',
  'range',
  'referer',
  'cache-control',
  'pragma',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-api-key',
  'x-csrf-token',
  'x-requested-with',
  'x-xsrf-token',
]);

/**
 * Adds names to those that a `Connection` field may not name away. They stay until the thread ends: after a reload one
 * too many is protected, never one too few.
 */
export function protectFields(lowerCaseNames: Iterable<string>): void {
  for (const name of lowerCaseNames) PROTECTED.add(name);
}

/** May a `Connection` field take this field off the message? Never one that framing, identity or a policy rests on. */
export function isRemovable(lowerCaseName: string): boolean {
  return !PROTECTED.has(lowerCaseName) && SPECIAL.get(lowerCaseName) === undefined;
}

const SPECIAL: ReadonlyMap<string, number> = new Map(CLASSES);
/** Names that have a class in every configuration. */
export const SPECIAL_NAMES: readonly string[] = Object.freeze([...SPECIAL.keys()]);
const NAME_LENGTH_REMEMBERED_MAX = 128;
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

const FOLDED = /[^0-9a-z-]/g;

/** Names longer than this are looked up. */
const MASKED_LENGTH_MAX = 63;
/** 1 for what `TOKEN` matches; a lower-case name has no capitals. */
const TOKEN_BYTES = Uint8Array.from({ length: 128 }, (_, byte) => (TOKEN.test(String.fromCharCode(byte)) ? 1 : 0));

/**
 * Field names to classes, with a memory of the names seen: honest traffic repeats some dozens of names, so the slow
 * classification runs once per name. The memory is bounded and starts again when a stranger fills it.
 *
 * Threads: one instance per thread.
 */
export class FieldNames {
  readonly #base: ReadonlyMap<string, number>;
  /** By length of a name: a bit per first letter, set where a name of the map has both. Others need no look-up. */
  readonly #firstLetters = new Int32Array(MASKED_LENGTH_MAX + 1);
  #seen: Map<string, number>;

  /** @param captured  Lower-case names whose values the transaction keeps: hash balancing, claims. */
  constructor(captured: readonly string[]) {
    const base = new Map(SPECIAL);
    captured.forEach((name, position) => {
      if (!base.has(name)) base.set(name, CAPTURED + position);
    });
    this.#base = base;
    this.#seen = new Map(base);
    for (const name of base.keys()) {
      const { length } = name;
      if (length <= MASKED_LENGTH_MAX) this.#firstLetters[length] = (this.#firstLetters[length] ?? 0) | letterBit(name);
    }
  }

  /** Names in the memory, the reserved ones included: at most FIELD_NAMES_REMEMBERED_MAX. */
  get remembered(): number {
    return this.#seen.size;
  }

  /** @param name  Lower-case field name as the front gives it. @returns  One of the classes above. */
  classOf(name: string): number {
    // A look-up hashes the name, which is new with each request; most names can be told from special ones without.
    const { length } = name;
    if (length > 0 && length <= MASKED_LENGTH_MAX) {
      const bit = letterBit(name);
      if (bit !== 0 && ((this.#firstLetters[length] ?? -1) & bit) === 0 && isToken(name)) return FORWARD;
    }
    return this.#seen.get(name) ?? this.#learn(name);
  }

  #learn(name: string): number {
    const known = this.#classify(name);
    // Honest names are short; 1,024 names as long as a head may be would be 16 MiB and more per thread.
    if (name.length > NAME_LENGTH_REMEMBERED_MAX) return known;
    if (this.#seen.size >= FIELD_NAMES_REMEMBERED_MAX) this.#seen = new Map(this.#base);
    this.#seen.set(name, known);
    return known;
  }

  #classify(name: string): number {
    if (!TOKEN.test(name)) return BAD;
    // `content_length` is `HTTP_CONTENT_LENGTH` to CGI-like servers behind us, just as `content-length` is (RFC 3875
    // 4.1.18); some of them fold every other sign as well. Names that resemble none of ours mean the same to all.
    const folded = name.replaceAll(FOLDED, '-');
    if (folded !== name && this.#base.has(folded)) return BAD;
    return FORWARD;
  }
}

/** A bit for a to z; 0 for any other first character, for which nothing is known. */
function letterBit(name: string): number {
  const letter = name.charCodeAt(0) - 0x61;
  return letter >= 0 && letter < 26 ? 1 << letter : 0;
}

function isToken(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    if (TOKEN_BYTES[name.charCodeAt(i)] !== 1) return false;
  }
  return true;
}
