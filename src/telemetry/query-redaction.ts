// hot path: synchronous, never throws

/** Where a parameter begins. `;` too: some servers split there, and then `a=1;token=x` holds a token. */
const SEPARATORS = /([&;])/;

/** `user[token]`, `token[]`, `auth.token`: servers make trees of these; any part may be the listed name. */
const NAME_PARTS = /[[\].]/;

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/**
 * Compiles the list of parameter names whose values are never logged.
 *
 * @param names  `log.redact`; case does not matter.
 * @returns A function of the query (without `?`) that replaces such values by `[redacted]`. It is percent-decoded for
 *          the comparison only, and never fails on malformed escapes: they stay as they are.
 */
export function compileQueryRedaction(names: readonly string[]): (query: string) => string {
  const secret = new Set(names.map((name) => name.toLowerCase()));
  if (secret.size === 0) return (query) => query;
  return (query) => {
    if (query.indexOf('=') === -1) return query;
    let text = '';
    for (const piece of query.split(SEPARATORS)) {
      const end = piece.indexOf('=');
      text += end !== -1 && isSecret(piece.slice(0, end), secret) ? `${piece.slice(0, end)}=[redacted]` : piece;
    }
    return text;
  };
}

function isSecret(rawName: string, secret: ReadonlySet<string>): boolean {
  const name = decoded(rawName).trim().toLowerCase();
  if (secret.has(name)) return true;
  for (const part of name.split(NAME_PARTS)) {
    if (secret.has(part)) return true;
  }
  return false;
}

/** Byte by byte, lenient: listed names are ASCII, so bytes beyond need no UTF-8. */
function decoded(name: string): string {
  const spaced = name.indexOf('+') === -1 ? name : name.replaceAll('+', ' ');
  return spaced.indexOf('%') === -1 ? spaced : spaced.replace(ESCAPE, character);
}

function character(_escape: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
