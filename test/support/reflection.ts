/** An answer that a request asked for. */
export interface Reflection {
  readonly status: number;
  /** Name and value, in the order of the request. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/**
 * What the upstream of the Core Rule Set's tests answers: POST /reflect with a JSON document (`status`, `headers`,
 * `body`, `encodedBody`) gets just that, everything else an empty 200.
 *
 * @param target  As in the request line.
 * Source: documentation of coreruleset/albedo.
 */
export function reflectionOf(method: string, target: string, body: Buffer): Reflection {
  const path = target.split(/[?#]/)[0] ?? '';
  if (method !== 'POST' || !(path === '/reflect' || path.startsWith('/reflect/'))) return answer(200, '');
  let wanted: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid();
    wanted = value as Record<string, unknown>;
  } catch {
    return invalid();
  }
  const { status = 200, headers = {}, body: text = '', encodedBody = '' } = wanted;
  if (typeof status !== 'number' || typeof text !== 'string' || typeof encodedBody !== 'string') return invalid();
  if (status < 100 || status > 599) return answer(400, `Invalid status code: ${status}`);
  if (typeof headers !== 'object' || headers === null) return invalid();
  const fields = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  if (text !== '' || encodedBody === '') return answer(status, text, fields);
  return { status, fields, body: Buffer.from(encodedBody, 'base64') };
}

function invalid(): Reflection {
  return answer(400, 'Invalid JSON in request body');
}

function answer(status: number, text: string, fields: Reflection['fields'] = []): Reflection {
  const body = Buffer.from(text, 'utf8');
  // What Go's server makes of a body without Content-Type: text, or HTML where it begins like it.
  const named = body.length === 0 || fields.some(([name]) => name.toLowerCase() === 'content-type');
  return { status, fields: named ? fields : [...fields, ['Content-Type', sniff(text)]], body };
}

/** The signatures of the MIME sniffing standard that matter here. */
function sniff(text: string): string {
  const isHtml =
    /^[\t\n\f\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[\s>]/i;
  if (isHtml.test(text)) return 'text/html; charset=utf-8';
  if (/^[\t\n\f\r ]*<\?xml/.test(text)) return 'text/xml; charset=utf-8';
  return 'text/plain; charset=utf-8';
}
