/** A request as a test describes it. */
export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  /** In the order in which they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly data: Buffer;
  /** Connection, Content-Type and Content-Length are added where they are missing, and form data is encoded. */
  readonly autocomplete: boolean;
}

const FORM = 'application/x-www-form-urlencoded';
/** go-ftw's own pattern: what it anchors is the first and the last word. */
const METHODS_WITH_BODY = /^POST|PUT|PATCH|DELETE$/;

/**
 * The bytes of a request as go-ftw sends them. Texts are UTF-8, and nothing is checked: requests are broken on purpose.
 *
 * With `autocomplete`: data without Content-Type is a form; form data that decoding leaves as it is gets encoded;
 * Connection is close; Content-Length is added where there is data, or the method has a body.
 * Multipart data has its line feeds turned to CR LF in any case.
 */
export function buildRequest(parts: RequestParts): Buffer {
  const headers = [...parts.headers];
  const has = (name: string): boolean => headers.some(([key]) => key.toLowerCase() === name);
  const contentTypes = (): string[] =>
    headers.filter(([key]) => key.toLowerCase() === 'content-type').map(([, value]) => value.toLowerCase());
  let data = parts.data;
  if (data.length > 0 && parts.autocomplete) {
    if (!has('content-type')) headers.push(['Content-Type', FORM]);
    if (contentTypes().includes(FORM)) data = encodeForm(data);
  }
  if (contentTypes().some((value) => value.includes('multipart/form-data;'))) {
    data = Buffer.from(data.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
  }
  if (parts.autocomplete) {
    if (!has('connection')) headers.push(['Connection', 'close']);
    if (!has('content-length') && (data.length > 0 || METHODS_WITH_BODY.test(parts.method))) {
      headers.push(['Content-Length', String(data.length)]);
    }
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `${parts.method} ${parts.uri} ${parts.version}\r\n${lines}\r\n`;
  return Buffer.concat([Buffer.from(head, 'utf8'), data]);
}

/** Names and values apart, so that `=` and `&` between them stay. A last `&` is lost, as in go-ftw. */
function encodeForm(data: Buffer): Buffer {
  const text = data.toString('latin1');
  // Data that decoding would change, or that cannot be decoded, counts as encoded already.
  if (/[%+]/.test(text)) return data;
  const pairs = text.endsWith('&') ? text.slice(0, -1) : text;
  const encoded = pairs.split('&').map((pair) => {
    const at = pair.indexOf('=');
    return at === -1 ? queryEscape(pair) : `${queryEscape(pair.slice(0, at))}=${queryEscape(pair.slice(at + 1))}`;
  });
  return Buffer.from(encoded.join('&'), 'latin1');
}

/** Go's url.QueryEscape, over bytes as latin1. */
function queryEscape(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9\-_.~]/g, (char) =>
    char === ' ' ? '+' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
