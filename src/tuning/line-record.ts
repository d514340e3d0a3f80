import { byteTextOfString } from '../base/byte-text.ts';
import { partsOf } from './asked-request.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { announcesBody, bodyOfRecord, isMapping, RecordedValues, textOf } from './recorded-values.ts';

const OUTCOMES = ['passed', 'detected', 'blocked'] as const;

/**
 * One request as a JSON object: `method`, `url` (whole, or path with query), `headers` (an object, or a list of pairs),
 * `body` (text) or `bodyBase64`; and, if wanted, `id`, `client`, `route`, `outcome`.
 *
 * @returns  Null where it has no `url`.
 */
export function recordOfLine(line: Readonly<Record<string, unknown>>, place: string): RecordedRequest | null {
  const url = textOf(line.url);
  if (url === '') return null;
  const values = new RecordedValues();
  const fields = pairsOf(line.headers).flatMap(([name, value]) => [byteTextOfString(name), values.decoded(value)]);
  const coded = typeof line.bodyBase64 === 'string' ? Buffer.from(line.bodyBase64, 'base64') : null;
  const said = typeof line.body === 'string' ? line.body : undefined;
  const { body, bytes } =
    coded === null
      ? bodyOfRecord(said, announcesBody(fields), (text) => values.decoded(text))
      : { body: 'whole' as const, bytes: coded };
  const { host, target } = partsOf(values.decoded(url));
  if (!fields.some((text, index) => index % 2 === 0 && text.toLowerCase() === 'host')) fields.unshift('host', host);
  return {
    id: textOf(line.id) || place,
    place,
    request: {
      method: byteTextOfString(textOf(line.method) || (bytes.length > 0 ? 'POST' : 'GET')),
      target,
      fields,
      body: bytes,
    },
    hasFields: true,
    body,
    isDecoded: false,
    client: textOf(line.client) || '192.0.2.1',
    route: textOf(line.route) || null,
    outcome: OUTCOMES.find((outcome) => outcome === line.outcome) ?? null,
    matches: null,
    withheldCount: values.withheldCount,
    isInexact: values.isInexact,
  };
}

/** `{"a":"b","c":["d","e"]}`, or `[["a","b"]]`. */
function pairsOf(headers: unknown): [string, string][] {
  const pairs = Array.isArray(headers) ? headers : isMapping(headers) ? Object.entries(headers) : [];
  return pairs.flatMap((pair: unknown): [string, string][] => {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string' || pair[0] === '') return [];
    const [name, value] = pair as [string, unknown];
    return (Array.isArray(value) ? value : [value]).map((one) => [name, textOf(one)]);
  });
}
