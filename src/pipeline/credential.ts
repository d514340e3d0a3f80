// hot path: synchronous, never throws

/** Schemes of `Authorization` that carry a token: RFC 6750 2.1, RFC 9449 7.1. */
export const NO_TOKEN = 0;
export const BEARER = 1;
export const DPOP = 2;
export type TokenScheme = typeof NO_TOKEN | typeof BEARER | typeof DPOP;

const BEARER_LENGTH = 'bearer'.length;
const DPOP_LENGTH = 'dpop'.length;

/** Schemes have no case (RFC 9110 11.1). */
export function tokenScheme(authorization: string): TokenScheme {
  if (isScheme(authorization, 'bearer')) return BEARER;
  return isScheme(authorization, 'dpop') ? DPOP : NO_TOKEN;
}

/** The token behind the scheme and its blanks; '' for none. What it may consist of is for its judge to say. */
export function tokenIn(authorization: string, scheme: TokenScheme): string {
  let from = scheme === BEARER ? BEARER_LENGTH : DPOP_LENGTH;
  let to = authorization.length;
  while (from < to && authorization.charCodeAt(from) === BLANK) from += 1;
  while (to > from && authorization.charCodeAt(to - 1) === BLANK) to -= 1;
  return authorization.slice(from, to);
}

const BLANK = 0x20;
/** RFC 9110 5.6.2: what the name of a scheme may go on with. */
const TOKEN_CHARACTER = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;

function isScheme(authorization: string, scheme: string): boolean {
  const { length } = scheme;
  if (authorization.length < length) return false;
  // What is parted by a tab or a comma is no other scheme: somebody behind us may read it as this one.
  const isLonger =
    authorization.length > length &&
    authorization.charCodeAt(length) !== BLANK &&
    TOKEN_CHARACTER.test(authorization.charAt(length));
  return !isLonger && authorization.slice(0, length).toLowerCase() === scheme;
}

/**
 * The value of a query parameter as it was sent; '' for none, null where it stands there twice.
 *
 * @param name  Letters, digits and `. _ ~ -`. It may have been sent percent-encoded: whoever is behind us decodes.
 */
export function queryValue(query: string, name: string): string | null {
  let found = '';
  let seen = false;
  for (let from = 1; from < query.length; ) {
    const ampersand = query.indexOf('&', from);
    const end = ampersand === -1 ? query.length : ampersand;
    const equals = query.indexOf('=', from);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (isNamed(query.slice(from, nameEnd), name)) {
      if (seen) return null;
      seen = true;
      found = query.slice(Math.min(nameEnd + 1, end), end);
    }
    from = end + 1;
  }
  return found;
}

/** A query without a parameter; `?` and the rest as it was sent, or ''. @param name  As `queryValue` takes it. */
export function withoutParameter(query: string, name: string): string {
  const kept = query
    .slice(1)
    .split('&')
    .filter((pair) => {
      const equals = pair.indexOf('=');
      return !isNamed(equals === -1 ? pair : pair.slice(0, equals), name);
    });
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

function isNamed(sent: string, name: string): boolean {
  if (sent === name) return true;
  // Encoded a name is longer, three times at most.
  if (sent.length <= name.length || sent.length > 3 * name.length || !sent.includes('%')) return false;
  return sent.replace(ESCAPE, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) === name;
}
