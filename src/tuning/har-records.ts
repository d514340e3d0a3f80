import { byteTextOfString } from '../base/byte-text.ts';
import { partsOf } from './asked-request.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { announcesBody, bodyOfRecord, isMapping, RecordedValues, textOf } from './recorded-values.ts';

/**
 * Requests of an HTTP archive (HAR 1.2).
 *
 * @param archive  The parsed text.
 * @returns  One for each entry, null for one without a request; null where it is no archive.
 */
export function recordsOfArchive(archive: unknown, file: string): (RecordedRequest | null)[] | null {
  if (!isMapping(archive) || !isMapping(archive.log) || !Array.isArray(archive.log.entries)) return null;
  return archive.log.entries.map((entry: unknown, index) =>
    isMapping(entry) ? recordOfEntry(entry.request, `${file}#${index}`) : null,
  );
}

function recordOfEntry(request: unknown, place: string): RecordedRequest | null {
  if (!isMapping(request)) return null;
  const [method, url] = [textOf(request.method), textOf(request.url)];
  if (method === '' || url === '') return null;
  const values = new RecordedValues();
  const headers: readonly unknown[] = Array.isArray(request.headers) ? request.headers : [];
  const fields = headers.flatMap((field) => {
    // HTTP/2 writes its request line as fields.
    if (!isMapping(field) || textOf(field.name) === '' || textOf(field.name).startsWith(':')) return [];
    return [byteTextOfString(textOf(field.name)), values.decoded(textOf(field.value))];
  });
  const { host, target } = partsOf(values.decoded(url));
  if (!fields.some((text, at) => at % 2 === 0 && text.toLowerCase() === 'host')) fields.unshift('host', host);
  const said =
    isMapping(request.postData) && typeof request.postData.text === 'string' ? request.postData.text : undefined;
  const { body, bytes } = bodyOfRecord(said, announcesBody(fields), (text) => values.decoded(text));
  return {
    id: place,
    place,
    request: { method: byteTextOfString(method), target, fields, body: bytes },
    hasFields: true,
    body,
    isDecoded: false,
    client: '192.0.2.1',
    route: null,
    outcome: null,
    matches: null,
    withheldCount: values.withheldCount,
    isInexact: values.isInexact,
  };
}
