// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';

/** The parts of a request target that SecLang names. Each is computed when a rule first asks. */
export class RequestTarget {
  /** REQUEST_URI_RAW: as in the request line. */
  readonly raw: ByteText;
  /** QUERY_STRING: behind the first question mark, nothing decoded, without a fragment. */
  readonly query: ByteText;
  readonly #path: ByteText;
  readonly #hasQuery: boolean;
  #uri: ByteText | null = null;
  #filename: ByteText | null = null;

  /** @param path  In the place of the path in `raw`: what stands behind `/x/../`, rules must see as others do. */
  constructor(raw: ByteText, path?: ByteText) {
    this.raw = raw;
    const fragment = raw.indexOf('#');
    const whole = fragment === -1 ? raw : raw.slice(0, fragment);
    const mark = whole.indexOf('?');
    this.#path = path ?? (mark === -1 ? whole : whole.slice(0, mark));
    this.#hasQuery = mark !== -1;
    this.query = mark === -1 ? '' : whole.slice(mark + 1);
  }

  /** REQUEST_FILENAME: the path, percent-decoded once, as ModSecurity 3 gives it. */
  get filename(): ByteText {
    this.#filename ??= percentDecoded(withoutOrigin(this.#path));
    return this.#filename;
  }

  /** REQUEST_URI: path and query, percent-decoded once, without scheme and host; `?` stays, also before nothing. */
  get uri(): ByteText {
    this.#uri ??= this.#hasQuery ? `${this.filename}?${percentDecoded(this.query)}` : this.filename;
    return this.#uri;
  }

  /** REQUEST_BASENAME: behind the last slash of either kind. */
  get basename(): ByteText {
    const path = this.filename;
    return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  }
}

/** Absolute form (RFC 9112 3.2.2) to its path. */
function withoutOrigin(path: ByteText): ByteText {
  if (path.startsWith('/')) return path;
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(path)?.[0];
  if (authority === undefined) return path;
  const slash = path.indexOf('/', authority.length);
  return slash === -1 ? '/' : path.slice(slash);
}

/** Percent sequences to bytes; what is none stays. `+` stays: this is no form. */
function percentDecoded(text: ByteText): ByteText {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
